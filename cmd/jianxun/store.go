package main

type storeCmd struct {
	Copy   storeCopyCmd   `cmd:"" help:"Copy a whole store to another place: a file to PostgreSQL, or back."`
	Hold   storeHoldCmd   `cmd:"" help:"Hold all mail back; for a PostgreSQL restored from a dump, before jianxun is started on it."`
	Resume storeResumeCmd `cmd:"" help:"Go on sending with a store that was restored from a backup."`
}
