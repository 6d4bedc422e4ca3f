package ingest

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"jianxun/internal/news"
)

var (
	dateInText = regexp.MustCompile(`((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?`)
	timeInText = regexp.MustCompile(`^[\sT(（]*(?:星期.|周.)?[)）\s]*(\d{1,2})\s*[:：时]\s*(\d{1,2})(?:\s*[:：分]\s*(\d{1,2})(?:\.\d+)?)?\s*秒?\s*(Z|[+-]\d\d:?\d\d)?`)
	epoch      = regexp.MustCompile(`^\d{10}(\d{3})?$`)
)

// ParseDate finds a date in text as Chinese pages and feeds write it:
// 2021-09-26, 2021/9/26 8:30, 2021年09月26日 08:30:15 星期日, RFC 3339,
// RFC 822 and 1123, or seconds or milliseconds since 1970. Without a zone the
// time is in zone; CST is China's. A date without a time is midnight in zone and
// dateOnly.
func ParseDate(text string, zone *time.Location) (t time.Time, dateOnly, ok bool) {
	text = news.OneLine(text) // a no-break space may stand before the time
	if epoch.MatchString(text) {
		n, err := strconv.ParseInt(text, 10, 64)
		if len(text) == 10 {
			n *= 1000
		}
		t = time.UnixMilli(n).In(zone)
		return t, false, err == nil && plausible(t)
	}
	if t, ok := parseMailDate(text, zone); ok {
		return t, false, plausible(t)
	}
	m := dateInText.FindStringSubmatchIndex(text)
	if m == nil {
		return t, false, false
	}
	day := []int{number(text[m[2]:m[3]]), number(text[m[4]:m[5]]), number(text[m[6]:m[7]])}
	t = time.Date(day[0], time.Month(day[1]), day[2], 0, 0, 0, 0, zone)
	if int(t.Month()) != day[1] || t.Day() != day[2] { // 31 September
		return time.Time{}, false, false
	}
	clock := timeInText.FindStringSubmatch(text[m[1]:])
	if clock == nil {
		return t, true, true
	}
	return withClock(t, clock)
}

func withClock(day time.Time, clock []string) (time.Time, bool, bool) {
	hour, minute, second := number(clock[1]), number(clock[2]), number(clock[3])
	if hour > 23 || minute > 59 || second > 60 {
		return day, true, true
	}
	zone := day.Location()
	if clock[4] != "" {
		layout := "-07:00"
		if !strings.Contains(clock[4], ":") {
			layout = "-0700"
		}
		if z, err := time.Parse(layout, strings.Replace(clock[4], "Z", "+00:00", 1)); err == nil {
			zone = z.Location()
		} else if clock[4] == "Z" {
			zone = time.UTC
		}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, zone), false, true
}

// parseMailDate reads the dates of RSS: RFC 822 with its looser kin.
func parseMailDate(text string, zone *time.Location) (time.Time, bool) {
	if strings.Count(text, " ") < 3 { // day, month, year and time
		return time.Time{}, false
	}
	if i := strings.IndexByte(text, ','); i >= 0 && i <= 9 {
		text = strings.TrimSpace(text[i+1:]) // the day of the week says nothing new
	}
	for name, offset := range map[string]string{"CST": "+0800", "GMT": "+0000", "UTC": "+0000", "UT": "+0000", "Z": "+0000"} {
		if rest, ok := strings.CutSuffix(text, " "+name); ok {
			text = rest + " " + offset
		}
	}
	for _, layout := range []string{"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04 -0700", "2 Jan 06 15:04:05 -0700", "2 Jan 06 15:04 -0700", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func plausible(t time.Time) bool { return t.Year() >= 1990 && t.Year() < 2100 }

func number(s string) int {
	n, _ := strconv.Atoi(s) // the expressions admit digits only; an absent group is 0
	return n
}
