package app

import (
	"errors"

	"jianxun/config"
	"jianxun/internal/mail"
	"jianxun/internal/news"
)

// CheckKeys tells what is wrong with the keys of a configuration, as config.Faults.
func CheckKeys(cfg *config.Config) error {
	_, err := signerOf(cfg.Mail.DKIM)
	return err
}

// signerOf makes the signer of a configuration, none when it has no key.
func signerOf(list []config.DKIM) (*mail.Signer, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var faults config.Faults
	var keys []mail.Key
	for _, d := range list {
		key, err := mail.ParseKey(d.PEM)
		if err != nil {
			faults = append(faults, d.Fault(keyFault(err)))
		}
		keys = append(keys, mail.Key{Selector: d.Selector, Signer: key})
	}
	if faults != nil {
		return nil, faults
	}
	s, err := mail.NewSigner(list[0].Domain, keys)
	if err != nil {
		return nil, config.Faults{list[0].Fault(err)}
	}
	return s, nil
}

// keyFault says what is wrong with a key, and what to do.
func keyFault(err error) error {
	switch {
	case errors.Is(err, mail.ErrEncrypted):
		return news.Errorf(news.Invalid, "the private key is encrypted, and nobody is there to type its password; decrypt it with: openssl pkey -in FILE -out NEWFILE")
	case errors.Is(err, mail.ErrKeyKind):
		return news.Errorf(news.Invalid, "the private key is neither RSA nor Ed25519; make one with: jianxun mail dkim-key FILE")
	case errors.Is(err, mail.ErrShortKey):
		return news.Errorf(news.Invalid, "the RSA key has less than 2048 bits, and receivers do not count it; make one with: jianxun mail dkim-key FILE")
	}
	return news.Errorf(news.Invalid, "the file holds no private key in PEM form (PKCS #8 or PKCS #1); make one with: jianxun mail dkim-key FILE")
}

// outgoing gives a mail as it leaves: with the return path of the configuration,
// and signed.
func (g *generation) outgoing(m mail.Message) (mail.Message, error) {
	m.From = g.cfg.Mail.ReturnPath
	return g.signer.Message(m)
}
