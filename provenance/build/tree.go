package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Trees makes and keeps file systems of other releases of this machine's
// distribution, to build in: with an older C library, another Python, another
// compiler. They are made by mmdebstrap from the addresses that apt has here, and
// lie below Dir, one folder for each choice of suites and packages, with a file
// tree.json that says what is in it.
type Trees struct {
	Dir        string
	Mmdebstrap string              // its path; "": not installed
	Apt        string              // folder of apt's configuration; "": /etc/apt
	Plans      map[string]TreePlan // by the name of a target or release; nil: as below
	Offline    bool                // make none
	Environ    []string            // mmdebstrap's; apt finds proxies in it
	Tell       func(string)        // hears that a tree is being made, which takes a minute; may be nil
}

// A TreePlan says what a tree is made of. The zero value is the release of its name, from
// the suites that this machine uses, with what most native code is built with.
type TreePlan struct {
	Suites   []string // "bullseye", "bullseye-backports"
	Packages []string // beside Tools; "NAME/bullseye-backports" takes it from there
	Image    string   // container image, for the backend podman
}

// Tools are the packages of every tree.
var Tools = []string{"build-essential", "libffi-dev", "libssl-dev", "libyaml-dev", "pkg-config", "python3-dev", "zlib1g-dev"}

// A Tree is one that was made, as its tree.json says.
type Tree struct {
	Name     string   `json:"name"`
	Suites   []string `json:"suites"`
	Made     string   `json:"made"`
	Packages []string `json:"packages"` // "NAME VERSION", all of them, sorted
	Digest   string   `json:"digest"`   // sha256 of their lines
	root     string
}

// A TreeError is a tree that could not be made.
type TreeError struct{ Name, Why, Fix string }

func (e *TreeError) Error() string { return "making a tree of " + e.Name + ": " + e.Why }

// Hint is what may mend it.
func (e *TreeError) Hint() string { return e.Fix }

// treeTime bounds the making of a tree.
const treeTime = 30 * time.Minute

// release returns the plan's name and codename that a target is built in; "" and the
// reason when there is none.
func (t *Trees) release(target tags.Target, tag string) (name, release, why string) {
	here := aptSources(or(t.Apt, "/etc/apt"))
	if len(here) == 0 {
		return "", "", "this machine's packages come from no distribution that trees can be made of"
	}
	fits := func(name, release string) string {
		of, err := tags.Lookup(release + archSuffix())
		if err != nil {
			return err.Error()
		}
		if of.PythonTag() != tag {
			return fmt.Sprintf("%s has %s, not %s", release, pythonWord(of.PythonTag()), pythonWord(tag))
		}
		if why := hostMismatch(of, target); why != "" {
			return why
		}
		if sourcesFor(here, release, t.Plans[name].Suites) == nil {
			return "this machine has no package source of " + release + "'s distribution"
		}
		return ""
	}
	names := []string{strings.TrimSuffix(target.Name, archSuffix())}
	for name := range t.Plans {
		names = append(names, name)
	}
	slices.Sort(names[1:])
	names = append(names, familyOf(codename(here[0].suite))...)
	for _, name := range names {
		release := name
		if s := t.Plans[name].Suites; len(s) > 0 {
			release = codename(s[0])
		}
		if familyOf(release) == nil || slices.Contains(rolling, release) {
			continue
		}
		w := fits(name, release)
		if w == "" {
			return name, release, ""
		}
		if why == "" {
			why = w
		}
	}
	return "", "", or(why, "no release has its Python and C library")
}

// archSuffix is how names of targets spell this machine's processor.
func archSuffix() string {
	switch runtime.GOARCH {
	case "amd64":
		return ""
	case "386":
		return "-i686"
	case "arm":
		return "-armv7l"
	}
	return "-" + runtime.GOARCH
}

// Root is the tree's folder: its usr, lib, bin.
func (t *Tree) Root() string { return t.root }

// Tree returns a tree, made now if it is not there. name is a release
// ("trixie") or any name for a plan with suites; "trixie-backports" without a plan
// is trixie with what that has newer. The error is a *TreeError or a file system's.
func (t *Trees) Tree(ctx context.Context, name string, plan TreePlan) (*Tree, error) {
	release := codename(name)
	if len(plan.Suites) > 0 {
		release = codename(plan.Suites[0])
	} else if name != release {
		plan.Suites = []string{release, name}
	}
	if familyOf(release) == nil {
		return nil, &TreeError{name, release + " is no release of a known distribution", "name one of the releases, or suites of one"}
	}
	return t.get(ctx, name, release, plan)
}

// get returns a tree of a release, made now if it is not there.
func (t *Trees) get(ctx context.Context, name, release string, plan TreePlan) (*Tree, error) {
	sources := sourcesFor(aptSources(or(t.Apt, "/etc/apt")), release, plan.Suites)
	if sources == nil {
		return nil, &TreeError{name, "apt's configuration here has no package source of " + release + "'s distribution", "make it on a machine of that distribution"}
	}
	packages := slices.Concat(Tools, plan.Packages)
	slices.Sort(packages)
	packages = slices.Compact(packages)
	var lines, suites []string
	for _, s := range sources {
		lines, suites = append(lines, s.line()), append(suites, s.suite)
	}
	key := sha256.Sum256([]byte("wheellock-tree/v1\n" + runtime.GOARCH + "\n" + strings.Join(lines, "\n") + "\n" + strings.Join(packages, "\n")))
	dir := filepath.Join(t.Dir, release+"-"+hex.EncodeToString(key[:8]))
	if tree, err := readTree(dir); err == nil {
		return tree, nil
	}
	switch {
	case t.Mmdebstrap == "":
		return nil, &TreeError{name, "mmdebstrap is not installed", "apt-get install mmdebstrap"}
	case t.Offline:
		return nil, &TreeError{name, "none is kept here, and making one needs the network", "once without --offline: the tree is kept"}
	}
	if err := durable.MkdirAll(t.Dir, 0o755); err != nil {
		return nil, err
	}
	unlock, err := durable.LockWait(ctx, dir+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if tree, err := readTree(dir); err == nil {
		return tree, nil // another process made it meanwhile
	}
	if t.Tell != nil {
		t.Tell(fmt.Sprintf("making a tree of %s with mmdebstrap (once: about a minute and 500 MB) in %s", strings.Join(suites, ", "), dir))
	}
	if err := t.create(ctx, dir, name, release, lines, suites, packages); err != nil {
		return nil, err
	}
	return readTree(dir)
}

func readTree(dir string) (*Tree, error) {
	b, err := os.ReadFile(filepath.Join(dir, "tree.json"))
	if err != nil {
		return nil, err
	}
	t := &Tree{root: filepath.Join(dir, "root")}
	if err := json.Unmarshal(b, t); err != nil || !isDir(t.root) {
		return nil, errors.New("not a tree")
	}
	return t, nil
}

// create runs mmdebstrap, whose archive is unpacked here, without owners, devices and
// setuid bits: any user can make, read and delete a tree.
func (t *Trees) create(ctx context.Context, dir, name, release string, lines, suites, packages []string) error {
	ctx, cancel := context.WithTimeout(ctx, treeTime)
	defer cancel()
	for _, old := range left(t.Dir) { // of runs that were killed
		removeAll(old)
	}
	removeAll(dir)
	temp, err := os.MkdirTemp(t.Dir, ".new-")
	if err != nil {
		return err
	}
	defer removeAll(temp)
	root := filepath.Join(temp, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	args := []string{"--variant=minbase", "--format=tar", "--include=" + strings.Join(packages, ",")}
	for _, path := range unneeded {
		args = append(args, "--dpkgopt=path-exclude=/"+path+"/*")
	}
	cmd := exec.CommandContext(ctx, t.Mmdebstrap, append(args, release, "-", "-")...)
	cmd.Env = append(slices.Clone(t.Environ), "LC_ALL=C.UTF-8")
	cmd.WaitDelay = 10 * time.Second
	// It has to take down what it mounted: killed, it would leave its folder.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	said := &cappedLog{}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return &TreeError{name, err.Error(), "apt-get install mmdebstrap"}
	}
	bad := untar(out, root)
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		why, fix := complaint(string(said.bytes()), err), "suites and packages are chosen by [trees."+name+"] in the configuration"
		if strings.Contains(why, "chroot mode") {
			fix = "apt-get install uidmap, with a range for you in /etc/subuid and /etc/subgid; or make it once as root, with the same --cache-dir"
		}
		return &TreeError{name, "mmdebstrap: " + why, fix}
	}
	if bad != nil {
		return fmt.Errorf("unpacking a tree of %s: %w", name, bad)
	}
	all := (&database{root: root}).all()
	sum := sha256.Sum256([]byte(strings.Join(all, "\n") + "\n"))
	text, err := json.MarshalIndent(Tree{
		Name: name, Suites: suites, Made: time.Now().UTC().Format(time.RFC3339), Packages: all, Digest: hex.EncodeToString(sum[:]),
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temp, "tree.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

// left are half-made trees that nobody makes any more.
func left(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, ".new-*"))
	return slices.DeleteFunc(found, func(f string) bool {
		info, err := os.Stat(f)
		return err != nil || time.Since(info.ModTime()) < treeTime
	})
}

// complaint is the lines of mmdebstrap and apt that tell of an error.
func complaint(text string, err error) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "E: ") && !slices.Contains(out, line) {
			out = append(out, strings.TrimPrefix(line, "E: "))
		}
	}
	if len(out) == 0 {
		return err.Error()
	}
	return strings.Join(out[:min(4, len(out))], "; ")
}
