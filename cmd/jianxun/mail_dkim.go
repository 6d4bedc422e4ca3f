package main

import (
	"fmt"
	"strings"

	"jianxun/internal/app"
)

type mailDKIMKeyCmd struct {
	File     string `arg:"" name:"out" help:"The file to write, such as keys/s1.pem." type:"path"`
	Domain   string `help:"The domain to sign for; left out: that of mail.from." placeholder:"DOMAIN"`
	Selector string `help:"The name of the key in the DNS; left out: the name of the file." placeholder:"NAME"`
	Type     string `help:"rsa or ed25519." enum:"rsa,ed25519" default:"rsa"`
	JSON     bool   `help:"Print data as JSON."`
}

// Run makes a key and says what to do with it.
func (c mailDKIMKeyCmd) Run(s *session) error {
	k, err := app.NewDKIMKey(s.config, app.DKIMWish{Domain: c.Domain, Selector: c.Selector, Kind: c.Type, File: c.File})
	if err != nil {
		return err
	}
	if c.JSON {
		return app.JSON(s.out, k)
	}
	s.say("Written: %s", k.File)
	s.say("1. Publish this record in the DNS of %s:", k.Domain)
	table(s.out, [][]string{{"   " + s.p.T("name"), k.Name}, {"   " + s.p.T("type"), k.Type}, {"   " + s.p.T("value"), k.Value}})
	s.say("   or, as a line of a zone file:")
	fmt.Fprintln(s.out, "   "+k.Zone)
	s.say("2. Once it can be looked up, add this to the configuration, under mail:")
	for line := range strings.Lines(k.YAML) {
		fmt.Fprint(s.out, "  "+line)
	}
	return nil
}
