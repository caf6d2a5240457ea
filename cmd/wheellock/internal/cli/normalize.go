package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/normalize"
)

type normalizeOptions struct {
	into  string
	check bool
	epoch string
}

func (a *app) normalizeVerb() *cobra.Command {
	var o normalizeOptions
	cmd := &cobra.Command{
		Use:   "normalize FILE...",
		Short: "put wheels and source archives into normal form: the same files, the same bytes",
		Long: `normalize writes wheels (.whl) and source archives (.tar.gz) anew, so that the same
files give the same bytes whoever packed them: members sorted, one time, modes 644
and 755, no owners, RECORD sorted and last, a pinned compressor. What is installed
stays as it is. A file is checked first; one whose RECORD is wrong is refused.

Files are replaced in place, or written into the folder that -o names. The time is
--epoch, else SOURCE_DATE_EPOCH, else 1980. A file in normal form stays as it is.

With --check nothing is written, and the exit code is 1 if a file is not in normal
form; without --epoch any one time will do.`,
		Example: "  wheellock normalize dist/*.whl dist/*.tar.gz\n  wheellock normalize --check dist/foo-1.0-py3-none-any.whl\n  wheellock normalize -o normal upstream/*.whl",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("normalize needs a FILE: a wheel or a .tar.gz")
			}
			return a.normalize(args, o)
		},
	}
	cmd.Flags().StringVarP(&o.into, "output", "o", "", "write into `DIR` instead of in place")
	cmd.Flags().BoolVar(&o.check, "check", false, "only say which are not in normal form")
	cmd.Flags().StringVar(&o.epoch, "epoch", "", "the time of all members, in `SECONDS` since 1970")
	return cmd
}

// normalReport is what normalize --json prints.
type normalReport struct {
	Form  string       `json:"normal_form"`
	Files []normalFile `json:"files"`
}

type normalFile struct {
	File    string   `json:"file"` // as it was named
	State   string   `json:"state"`
	Output  string   `json:"output,omitempty"` // where it was written; absent: nothing was
	SHA256  string   `json:"sha256"`           // of the normal form
	Before  string   `json:"before"`           // sha256 of what was there
	Size    int64    `json:"size"`
	Content string   `json:"content,omitempty"`
	Dropped []string `json:"dropped,omitempty"`
}

// States of a file.
const (
	wasNormal  = "normal"     // it was in normal form
	isNormal   = "normalized" // it is now
	isNoNormal = "differs"    // it is not; with --check
)

func (a *app) normalize(files []string, o normalizeOptions) error {
	epoch, given, err := a.epoch(o.epoch)
	if err != nil {
		return err
	}
	if o.check && o.into != "" {
		return usage("--check writes nothing: leave -o out")
	}
	if err := a.normalizable(files, o); err != nil {
		return err
	}
	if o.into != "" {
		if err := os.MkdirAll(a.path(o.into), 0o755); err != nil {
			return usage("-o %s: no folder can be made there: %v", o.into, err)
		}
	}
	out := normalReport{Form: normalize.Version, Files: []normalFile{}}
	bad := 0
	for _, name := range files {
		f, err := a.normalizeOne(name, o, epoch, given)
		if err != nil {
			return a.normalizeError(err, name)
		}
		out.Files = append(out.Files, f)
		if f.State == isNoNormal {
			bad++
		}
		if !a.json {
			a.printNormal(f, o)
		}
	}
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	}
	if bad > 0 {
		return finding("wheellock normalize FILE", "%s not in normal form %s", isAre(bad, "file"), normalize.Version)
	}
	return nil
}

// isAre is "1 file is", "2 files are".
func isAre(n int, word string) string {
	if n == 1 {
		return report.Plural(n, word) + " is"
	}
	return report.Plural(n, word) + " are"
}

// epoch is the time to write. given is false where it is nobody's wish.
func (a *app) epoch(flag string) (epoch int64, given bool, err error) {
	text, name := flag, "--epoch"
	if text == "" {
		text, name = a.Getenv("SOURCE_DATE_EPOCH"), "SOURCE_DATE_EPOCH"
	}
	if text == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC).Unix() {
		return 0, false, usage("%s %q: expected seconds since 1970, before the year 2108", name, text)
	}
	return n, true, nil
}

// normalizable refuses before the first file is touched.
func (a *app) normalizable(files []string, o normalizeOptions) error {
	base := map[string]string{}
	for _, name := range files {
		if !strings.HasSuffix(name, ".whl") && !strings.HasSuffix(name, ".tar.gz") {
			return invalid("pack it as .tar.gz, or build a wheel of it", "%s is %v", name, normalize.ErrKind)
		}
		info, err := os.Stat(a.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			return invalid("name wheels (.whl) or source archives (.tar.gz)", "there is no %s", name)
		}
		if err != nil {
			return a.normalizeError(err, name)
		}
		if !info.Mode().IsRegular() {
			return invalid("name wheels (.whl) or source archives (.tar.gz)", "%s is not a file", name)
		}
		if other := base[filepath.Base(name)]; other != "" && o.into != "" {
			return usage("-o: %s and %s would be one file", other, name)
		}
		base[filepath.Base(name)] = name
		if !o.check && o.into == "" {
			if err := a.notLocked(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// notLocked refuses to change a file of the wheelhouse, whose hash is locked and
// signed.
func (a *app) notLocked(name string) error {
	s, err := a.openForReading()
	if err != nil {
		return nil // no project here, or one that another verb has to complain about
	}
	defer s.close()
	if s.locked == nil || s.readOnly() {
		return nil
	}
	house, err := filepath.EvalSymlinks(s.house().Path("."))
	file, err2 := filepath.EvalSymlinks(a.path(name))
	if err != nil || err2 != nil || !strings.HasPrefix(file, house+string(filepath.Separator)) {
		return nil
	}
	return invalid("wheellock normalize -o DIR "+name+`, or normal-form = "1" in [policy], and build again`,
		"%s is in the wheelhouse: its hash is what the lock and the log say", name)
}

// normalizeOne does one file.
func (a *app) normalizeOne(name string, o normalizeOptions, epoch int64, given bool) (normalFile, error) {
	f := normalFile{File: name}
	// A link is followed, and what it leads to is replaced.
	path, err := filepath.EvalSymlinks(a.path(name))
	if err != nil {
		return f, err
	}
	if o.check && !given {
		if epoch, err = normalize.Epoch(path); err != nil {
			return f, err
		}
	}
	dest := path
	if o.into != "" {
		dest = filepath.Join(a.path(o.into), filepath.Base(name))
	}
	dir := filepath.Dir(dest)
	if o.check {
		dir = os.TempDir()
	}
	temp, err := os.OpenFile(filepath.Join(dir, durable.TempName()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return f, err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	res, err := normalize.File(temp, path, normalize.Options{Epoch: epoch})
	if err != nil {
		return f, err
	}
	f.SHA256, f.Size, f.Content, f.Dropped = res.SHA256, res.Size, res.Content, res.Dropped
	same, err := sameBytes(temp, path)
	if err != nil {
		return f, err
	}
	if f.Before, err = mirror.HashFile(path); err != nil {
		return f, err
	}
	switch {
	case o.check && !same:
		f.State = isNoNormal
		return f, nil
	case same:
		f.State = wasNormal
	default:
		f.State = isNormal
	}
	if o.check || same && o.into == "" {
		return f, nil
	}
	f.Output = name
	if o.into != "" {
		f.Output = filepath.Join(o.into, filepath.Base(name))
	}
	return f, replaceBy(temp, path, dest)
}

// replaceBy moves a finished temporary file to dest, with the mode of the file that
// it was made of.
func replaceBy(temp *os.File, from, dest string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := temp.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), dest); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(dest))
}

func sameBytes(temp *os.File, path string) (bool, error) {
	other, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer other.Close()
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	x, y := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err1 := io.ReadFull(temp, x)
		m, err2 := io.ReadFull(other, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		end1 := err1 == io.EOF || err1 == io.ErrUnexpectedEOF
		end2 := err2 == io.EOF || err2 == io.ErrUnexpectedEOF
		switch {
		case err1 != nil && !end1:
			return false, err1
		case err2 != nil && !end2:
			return false, err2
		case end1 || end2:
			return end1 && end2, nil
		}
	}
}

func (a *app) printNormal(f normalFile, o normalizeOptions) {
	if a.quiet {
		return
	}
	style, words := term.Good, "in normal form already"
	switch f.State {
	case isNormal:
		words = "normalized"
		if o.into != "" {
			words = "normalized into " + term.Line(o.into)
		}
	case isNoNormal:
		style, words = term.Bad, "not in normal form"
	}
	fmt.Fprintf(a.Out, "%s: %s\n", term.Line(f.File), a.style.Paint(style, words))
	if f.State != isNoNormal {
		fmt.Fprintf(a.Out, "  sha256 %s\n", f.SHA256)
	}
	for _, d := range slices.Sorted(slices.Values(f.Dropped)) {
		what := "an empty folder"
		if !strings.HasSuffix(d, "/") {
			what = "it signs a RECORD that is written anew"
		}
		if f.State != wasNormal {
			fmt.Fprintf(a.Out, "  left out %s: %s\n", term.Line(d), what)
		}
	}
}

// normalizeError: what cannot be read is the user's input. It is named as the user
// named it.
func (a *app) normalizeError(err error, name string) error {
	var damaged *archive.Error
	switch {
	case errors.As(err, &damaged) && (damaged.Kind == archive.Bomb || damaged.Kind == archive.TooBig):
		return invalid("leave it as it is, or split it", "%s", strings.Replace(err.Error(), damaged.File, name, 1))
	case errors.As(err, &damaged) && damaged.Kind == archive.BadRecord:
		return invalid("build it again: what its RECORD says is not what it holds", "%s", strings.Replace(err.Error(), damaged.File, name, 1))
	case errors.As(err, &damaged):
		return invalid("get the file again, or build it again: it is not one that every tool reads in the same way", "%s", strings.Replace(err.Error(), damaged.File, name, 1))
	}
	return err
}
