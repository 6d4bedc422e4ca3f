package inbox

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	ours   = "Subject: back\r\n\r\nOURS\r\n"
	theirs = "Subject: lunch\r\n\r\nnoon?\r\n"
)

// maildir makes a Maildir of paths and texts.
func maildir(t *testing.T, mails map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range mails {
		deliver(t, dir, path, text)
	}
	return dir
}

func deliver(t *testing.T, dir, path, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files are the mails in a folder and all below.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func TestRequirement29MaildirMovesOursAndLeavesTheRest(t *testing.T) {
	dir := maildir(t, map[string]string{"new/1": ours, "new/2": theirs, "cur/3:2,F": ours, "cur/4:2,RS": ours, "cur/5:2,S": theirs, "new/.part": ours, "tmp/6": ours})
	before, err := os.Stat(filepath.Join(dir, "new/2"))
	if err != nil {
		t.Fatal(err)
	}
	b, r := &book{}, newRounds()
	log, _ := start(t, Maildir{Dir: dir, pause: r.pause}.Run, b.take)
	<-r.over
	if got := b.took(); len(got) != 5 || got[0].Where != "maildir "+filepath.Join(dir, "new/1") || string(got[0].Raw) != ours || got[0].To != "" {
		t.Errorf("told of %+v", got)
	}
	left := []string{".done/cur/1:2,S", ".done/cur/3:2,FS", ".done/cur/4:2,RS", "cur/5:2,S", "new/.part", "new/2", "tmp/6"}
	wantFiles(t, dir, left...)
	after, err := os.Stat(filepath.Join(dir, "new/2"))
	if err != nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) || before.Mode() != after.Mode() {
		t.Errorf("what is not ours was touched: %v", err)
	}

	r.next()
	if err := os.Rename(filepath.Join(dir, "new/2"), filepath.Join(dir, "cur/2:2,S")); err != nil {
		t.Fatal(err)
	}
	r.next()
	if got := b.took(); len(got) != 0 {
		t.Errorf("told again of %+v", got)
	}
	deliver(t, dir, "new/7", ours)
	r.next()
	if got := b.took(); len(got) != 1 || log.String() != "" {
		t.Errorf("told of %+v; %s", got, log)
	}
}

func TestMaildirKeepsWhatCannotBeRecorded(t *testing.T) {
	dir := maildir(t, map[string]string{"new/1": ours, "new/2": ours})
	b, r := &book{fails: errStore}, newRounds()
	log, _ := start(t, Maildir{Dir: dir, pause: r.pause}.Run, b.take)
	<-r.over
	r.next()
	wantFiles(t, dir, "new/1", "new/2")
	b.fail(nil)
	r.next()
	wantFiles(t, dir, ".done/cur/1:2,S", ".done/cur/2:2,S")
	if log.count("store is away") != 1 || log.count("taken again") != 1 {
		t.Error(log)
	}
}

func TestMaildirThatIsNotThereYet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	b, r := &book{}, newRounds()
	log, _ := start(t, Maildir{Dir: dir, pause: r.pause}.Run, b.take)
	<-r.over
	r.next()
	if err := os.Rename(maildir(t, map[string]string{"new/1": ours}), dir); err != nil {
		t.Fatal(err)
	}
	r.next()
	if len(b.took()) != 1 || log.count("read the folder") != 1 || log.count("taken again") != 1 {
		t.Error(log)
	}
}

// TestMaildirRecordsOnceWhatCannotBeMoved: what was recorded waits for its move,
// and is not told again.
func TestMaildirRecordsOnceWhatCannotBeMoved(t *testing.T) {
	dir := maildir(t, map[string]string{"new/1": ours, ".done": "in the way"})
	b, r := &book{}, newRounds()
	log, _ := start(t, Maildir{Dir: dir, pause: r.pause}.Run, b.take)
	<-r.over
	r.next()
	if got := b.took(); len(got) != 1 || log.count("move a mail") != 1 {
		t.Errorf("told of %+v; %s", got, log)
	}
	if err := os.Remove(filepath.Join(dir, ".done")); err != nil {
		t.Fatal(err)
	}
	r.next()
	wantFiles(t, dir, ".done/cur/1:2,S")
	if len(b.took()) != 0 {
		t.Error("told again")
	}
}

func TestTwoReadersOfOneMaildir(t *testing.T) {
	dir := maildir(t, nil)
	var want []string
	for i := range 200 {
		name := fmt.Sprintf("%03d", i)
		deliver(t, dir, "new/"+name, ours)
		want = append(want, ".done/cur/"+name+":2,S")
	}
	b, one, two := &book{}, newRounds(), newRounds()
	log, _ := start(t, Maildir{Dir: dir, pause: one.pause}.Run, b.take)
	log2, _ := start(t, Maildir{Dir: dir, pause: two.pause}.Run, b.take)
	<-one.over
	<-two.over
	wantFiles(t, dir, want...)
	told := map[string]bool{}
	for _, m := range b.took() {
		told[m.Where] = true
	}
	if len(told) != 200 || log.String()+log2.String() != "" {
		t.Errorf("told of %d\n%s%s", len(told), log, log2)
	}
}

// TestMaildirThatChangesUnderTheReader: while the first mail is taken the second
// vanishes and the third becomes unreadable.
func TestMaildirThatChangesUnderTheReader(t *testing.T) {
	dir := maildir(t, map[string]string{"new/1": ours, "new/2": ours, "new/3": ours, "new/4": ours})
	b, r := &book{}, newRounds()
	third := filepath.Join(dir, "new/3")
	log, _ := start(t, Maildir{Dir: dir, pause: r.pause}.Run, func(ctx context.Context, m Mail) (bool, error) {
		if strings.HasSuffix(m.Where, "/1") {
			for _, err := range []error{os.Remove(filepath.Join(dir, "new/2")), os.Remove(third), os.Mkdir(third, 0o700)} {
				if err != nil {
					t.Error(err)
				}
			}
		}
		return b.take(ctx, m)
	})
	<-r.over
	wantFiles(t, dir, ".done/cur/1:2,S", ".done/cur/4:2,S")
	if log.count("cannot be read") != 1 || log.count("WARN") != 1 {
		t.Error(log)
	}
	if err := os.Remove(third); err != nil {
		t.Fatal(err)
	}
	deliver(t, dir, "new/3", ours)
	r.next()
	wantFiles(t, dir, ".done/cur/1:2,S", ".done/cur/3:2,S", ".done/cur/4:2,S")
}

func TestMaildirSaysOnceThatAMailIsUnreadable(t *testing.T) {
	log := &lines{}
	r := maildirReader{known: map[string]standing{}, log: slog.New(slog.NewTextHandler(log, nil))}
	folder := t.TempDir()
	for range 3 {
		if err := r.look(t.Context(), folder); err != nil {
			t.Error(err)
		}
	}
	if log.count("cannot be read") != 1 {
		t.Error(log)
	}
}

func TestMaildirReadsSoMuchAndNoMore(t *testing.T) {
	dir := maildir(t, map[string]string{"new/1": ours + strings.Repeat("x", maxMail)})
	b, r := &book{}, newRounds()
	start(t, Maildir{Dir: dir, pause: r.pause}.Run, b.take)
	<-r.over
	if got := b.took(); len(got) != 1 || len(got[0].Raw) != maxMail {
		t.Errorf("told of %d", len(got))
	}
}
