package build

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

// bootstrapFolder is where Debian's python3-pip-whl, python3-setuptools-whl and the
// like put the wheels that `python3 -m venv` fills an environment with.
const bootstrapFolder = "/usr/share/python-wheels"

var bootstraps sync.Map // root -> []string; the folder is read once a process

// bootstrapsOf lists what the distribution itself would bootstrap an environment
// with, as "PACKAGE VERSION FILE sha256:HEX", sorted. No build of ours reads these:
// its environment holds the recipe's wheels and nothing else. They are noted since a
// package build beside it (dh-virtualenv) does, and its result hangs on them.
// Empty where the interpreter is no distribution's, or no dpkg tells.
func bootstrapsOf(i *Interpreter) []string {
	if i == nil || i.Prefix != "/usr" || i.Image != "" {
		return nil
	}
	if list, ok := bootstraps.Load(i.Root); ok {
		return list.([]string)
	}
	list := readBootstraps(i.Root, bootstrapFolder)
	bootstraps.Store(i.Root, list)
	return list
}

func readBootstraps(root, folder string) (out []string) {
	files, _ := filepath.Glob(filepath.Join(root, folder, "*.whl"))
	for _, f := range files {
		sum, err := sumOf(f)
		if err != nil {
			continue
		}
		owner := "- -" // no package's
		if owners := dpkg(root).owners([]string{filepath.Join(folder, filepath.Base(f))}); len(owners) > 0 {
			owner = strings.Join(owners, ",")
		}
		out = append(out, fmt.Sprintf("%s %s sha256:%s", owner, filepath.Base(f), sum))
	}
	sort.Strings(out)
	return out
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
