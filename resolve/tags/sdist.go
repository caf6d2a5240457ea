package tags

import (
	"errors"
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// SdistName is an sdist's file name in its parts.
type SdistName struct {
	Name    string         // normalised (PEP 503)
	Version pep440.Version // never the zero Version
	Ext     string         // ".tar.gz" or ".zip", or another of ParseSdistNameOf's
}

// oldExts are what indexes of earlier years took, and pip still does.
var oldExts = []string{".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tar.lz", ".tlz", ".tar"}

// ParseSdistName reads a file name NAME-VERSION.tar.gz or .zip, split at the
// last dash, as packaging 26.3 does. Its errors wrap ErrFileName.
func ParseSdistName(file string) (SdistName, error) {
	stem, ext, err := cutExt(file, oldExts[:2])
	if err != nil {
		return SdistName{}, err
	}
	i := strings.LastIndexByte(stem, '-')
	if i <= 0 {
		return SdistName{}, sdistErr(file, errors.New("not NAME-VERSION"))
	}
	v, err := pep440.Parse(stem[i+1:])
	if err != nil {
		return SdistName{}, sdistErr(file, err)
	}
	return SdistName{Name: pep508.NormalizeName(stem[:i]), Version: v, Ext: ext}, nil
}

// ParseSdistNameOf reads the name of a file that an index lists under project,
// as pip does: a dash may stand in the version ("foo-1.0-1.tar.gz" of foo is
// 1.0.post1), and the older archive formats are known. Its errors wrap
// ErrFileName.
func ParseSdistNameOf(file, project string) (SdistName, error) {
	want := pep508.NormalizeName(project)
	version, ext, err := cutSdist(file, want)
	if err != nil {
		return SdistName{}, err
	}
	v, err := pep440.Parse(version)
	if err != nil {
		return SdistName{}, sdistErr(file, err)
	}
	return SdistName{Name: want, Version: v, Ext: ext}, nil
}

// CutSdistNameOf is ParseSdistNameOf without parsing the version, which of most
// files on a page has been parsed already. The project is normalised.
func CutSdistNameOf(file, project string) (version, ext string, ok bool) {
	version, ext, err := cutSdist(file, project)
	return version, ext, err == nil
}

func cutSdist(file, project string) (version, ext string, err error) {
	stem, ext, err := cutExt(file, oldExts)
	if err != nil {
		return "", "", err
	}
	for i := 0; i < len(stem); i++ {
		if stem[i] == '-' && pep508.NormalizeName(stem[:i]) == project {
			return stem[i+1:], ext, nil
		}
	}
	return "", "", sdistErr(file, fmt.Errorf("is not of project %s", project))
}

func cutExt(file string, exts []string) (stem, ext string, err error) {
	if len(file) > MaxFileName {
		return "", "", sdistErr(file, fmt.Errorf("longer than %d bytes", MaxFileName))
	}
	if err := printable(file); err != nil {
		return "", "", sdistErr(file, err)
	}
	for _, ext := range exts {
		if stem, ok := strings.CutSuffix(file, ext); ok {
			return stem, ext, nil
		}
	}
	return "", "", sdistErr(file, fmt.Errorf("an sdist's name ends in %s", strings.Join(exts, ", ")))
}

func sdistErr(file string, err error) error {
	return fmt.Errorf("%w: %q: %w", ErrFileName, clip(file), err)
}
