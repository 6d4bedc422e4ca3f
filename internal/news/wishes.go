package news

import (
	"slices"
	"strings"
	"time"
)

// ChooseDigests checks the digests a person is to get. Who names none gets
// the only one there is.
func ChooseDigests(named, known []string) ([]string, error) {
	if len(named) == 0 {
		if len(known) == 1 {
			return known, nil
		}
		return nil, Errorf(Invalid, "it is not said which digest to send; there are %s", strings.Join(known, ", "))
	}
	for _, d := range named {
		if !slices.Contains(known, d) {
			return nil, Errorf(Invalid, "there is no digest %q; there are %s", d, strings.Join(known, ", "))
		}
	}
	return named, nil
}

// ParseFormat reads html or text; empty is html.
func ParseFormat(s string) (MailFormat, error) {
	switch strings.ToLower(s) {
	case "", "html", "网页":
		return FormatHTML, nil
	case "text", "txt", "文本", "纯文本":
		return FormatText, nil
	}
	return "", Errorf(Invalid, "%q is not a format; write html or text", s)
}

// ParseUntil reads the last day on which a person gets mail and gives its end.
func ParseUntil(s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02", "2006/1/2", "2006年1月2日"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.AddDate(0, 0, 1), nil
		}
	}
	return time.Time{}, Errorf(Invalid, "%q is not a day such as 2027-12-31", s)
}
