package mail

import "strings"

// judge tells what a refusal means for the address. Being wrong on the soft side
// costs another mail; being wrong on the hard side costs a reader. So only what
// is said of the address itself is hard.
func judge(status, words string) BounceKind {
	if isFrequencyLimit(words) { // QQ Mail says so under any code
		return SoftBounce
	}
	switch {
	case strings.HasPrefix(status, "4"):
		return SoftBounce
	case status == "5.1.7", status == "5.1.8": // the sender's address
		return SoftBounce
	case strings.HasPrefix(status, "5.1.") && status != "5.1.0", status == "5.2.1":
		return HardBounce
	case status == "", status == "5.0.0", status == "5.1.0", status == "5.2.0", status == "5.5.0":
		return judgeWords(words)
	}
	return SoftBounce
}

// judgeWords goes by what is said after the reply code, or else anywhere. A reply
// code of 4xx is never hard.
func judgeWords(words string) BounceKind {
	words = anAddress.ReplaceAllString(strings.ToLower(words), " ") // spam@… is no reason
	if at := replyCode.FindStringSubmatchIndex(words); at != nil {
		if words[at[2]] == '4' {
			return SoftBounce
		}
		if kind, ok := firstReason(words[at[3]:]); ok {
			return kind
		}
	}
	if kind, ok := firstReason(words); ok {
		return kind
	}
	return SoftBounce
}

// firstReason goes by what is said first: servers name the reason, and then list
// what else it might have been.
func firstReason(words string) (kind BounceKind, ok bool) {
	first := len(words)
	for _, said := range []struct {
		kind    BounceKind
		phrases []string
	}{{SoftBounce, aboutSomethingElse()}, {HardBounce, aboutTheAddress()}} {
		for _, phrase := range said.phrases {
			if at := strings.Index(words, phrase); at >= 0 && at < first {
				kind, first = said.kind, at
			}
		}
	}
	return kind, kind != ""
}

// saysWhy tells whether a text names a reason that is known.
func saysWhy(text string) bool {
	_, ok := firstReason(strings.ToLower(text))
	return ok || isFrequencyLimit(text)
}

func aboutTheAddress() []string {
	return []string{
		"user unknown", "unknown user", "no such user", "user not found", "user does not exist", "user doesn't exist",
		"user not exist", "user not known", "user is unknown", "unknown local part", "unrouteable address", "unknown address",
		"address unknown", "address not found", "no such address", "no such recipient", "recipient unknown",
		"unknown recipient", "recipient not found", "recipientnotfound", "does not have an account", "invalid recipient",
		"invalid user", "invalid mailbox", "not a valid mailbox", "mailbox not found", "mailbox unavailable", "mailbox does not exist",
		"no such mailbox", "no mailbox here", "mailbox disabled", "mailbox is disabled", "account does not exist", "account disabled", "account is disabled",
		"account has been disabled", "user disabled", "address does not exist", "that you tried to reach does not exist",
		"不存在", "查无此人", "无此用户", "没有此用户", "找不到收件人", "找不到该收件人", "找不到你输入的", "找不到您输入的",
		"已停用", "被停用", "已注销", "被注销", "未开通",
	}
}

func aboutSomethingElse() []string {
	return []string{
		"mailbox unavailable or access denied", "mailbox full", "mailbox is full", "inbox is full", "over quota", "overquota", "quota exceeded", "exceeded quota", "exceeds quota",
		"exceeded storage", "insufficient storage", "out of storage", "size limit", "too large", "too big",
		"greylist", "graylist", "try again", "timed out", "timeout", "connection refused", "lost connection", "network is unreachable", "host not found",
		"could not be delivered for", "retry time", "in the queue too long", "expired", "too many",
		"spam", "junk", "blocked", "blacklist", "block list", "blocklist", "policy", "access denied", "relaying denied", "relay access", "unable to relay", "not permitted", "prohibited",
		"sender address rejected", "sender rejected", "sender verif", "content reject", "reputation", "dmarc", "spf", "dkim",
		"空间不足", "已满", "超出容量", "容量不足", "超过限制", "过大", "稍后", "超时", "连接失败", "无法连接", "频繁", "域名解析",
		"垃圾邮件", "拒收", "黑名单", "被拒绝", "发件人地址", "找不到主机",
	}
}
