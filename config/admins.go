package config

import (
	"strconv"

	"jianxun/internal/news"
)

// maxAdmins bounds how many people each letter about trouble goes to.
const maxAdmins = 20

// admins checks who is told by mail what goes wrong.
func (r *resolver) admins(list []string) []string {
	seen := map[string]bool{}
	for i, email := range list {
		path := "mail.admins[" + strconv.Itoa(i) + "]"
		if err := news.CheckEmail(email); err != nil {
			r.doc.fault(path, err)
		} else if seen[news.NormalEmail(email)] {
			r.fault(path, "the address %q is written twice", email)
		}
		seen[news.NormalEmail(email)] = true
	}
	if len(list) > maxAdmins {
		r.fault("mail.admins", "there may be at most %d admins; write the address of a mailing list", maxAdmins)
	}
	return list
}
