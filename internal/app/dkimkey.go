package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"jianxun/config"
	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// DKIMKey is a key that was made, and what is to be done with it.
type DKIMKey struct {
	File     string `json:"file"`
	Domain   string `json:"domain"`
	Selector string `json:"selector"`
	Name     string `json:"name"`  // of the record in the DNS
	Type     string `json:"type"`  // TXT
	Value    string `json:"value"` // of the record, whole
	Zone     string `json:"zone"`  // the record as a line of a zone file
	YAML     string `json:"yaml"`  // what goes under mail in the configuration
}

// DKIMWish is what key is to be made. An empty Domain is that of the sender in the
// configuration, an empty Selector the name of the file.
type DKIMWish struct {
	Domain, Selector string
	Kind             string // rsa or ed25519
	File             string // absolute
}

// NewDKIMKey makes a key and writes it into a file that only its owner can read.
// A file that is there is never touched.
func NewDKIMKey(configFile string, w DKIMWish) (DKIMKey, error) {
	if configFile == "" {
		configFile = config.Find()
	}
	k := DKIMKey{File: w.File, Domain: strings.ToLower(w.Domain), Selector: strings.ToLower(w.Selector), Type: "TXT"}
	if k.Selector == "" {
		k.Selector = strings.ToLower(strings.TrimSuffix(filepath.Base(w.File), filepath.Ext(w.File)))
	}
	if k.Domain == "" {
		cfg, err := config.Load(configFile, CheckCron)
		if err != nil {
			return DKIMKey{}, err
		}
		k.Domain = strings.ToLower(domainOf(cfg.Mail.From.Address))
	}
	if !mail.IsDomain(k.Domain) {
		return DKIMKey{}, news.Errorf(news.Invalid, "%q is not a domain such as example.org; give one with --domain", k.Domain)
	}
	if !mail.IsDomain(k.Selector) {
		return DKIMKey{}, news.Errorf(news.Invalid, "%q is not a selector such as s1; give one with --selector", k.Selector)
	}
	key, text, err := mail.NewKey(mail.KeyKind(w.Kind))
	if err != nil {
		return DKIMKey{}, err
	}
	r, err := mail.RecordOf(k.Domain, mail.Key{Selector: k.Selector, Signer: key})
	if err != nil {
		return DKIMKey{}, err
	}
	k.Name, k.Value, k.Zone = r.Name, r.Value, r.Zone()
	k.YAML = k.yaml(configFile, w.Domain != "")
	return k, writeKey(w.File, text)
}

func (k DKIMKey) yaml(configFile string, domain bool) string {
	s := "dkim:\n  - {selector: " + k.Selector + ", key_file: " + strconv.Quote(beside(configFile, k.File))
	if domain {
		s += ", domain: " + k.Domain
	}
	return s + "}\n"
}

// writeKey writes a new file, whole or not at all.
func writeKey(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return news.Errorf(news.Unavailable, "cannot make the folder: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return news.Errorf(news.Conflict, "%s is there already and is left as it is", file)
	}
	if err != nil {
		return news.Errorf(news.Unavailable, "cannot write: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return news.Errorf(news.Unavailable, "cannot write: %w", errors.Join(err, os.Remove(file)))
	}
	return nil
}

// beside is how a configuration names a file: from its own folder, if the file
// lies in it.
func beside(configFile, file string) string {
	dir, err := filepath.Abs(filepath.Dir(configFile))
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return file
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
