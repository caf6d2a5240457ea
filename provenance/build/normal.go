package build

import (
	"errors"
	"fmt"
	"os"

	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/normalize"
)

// normalise puts a wheel into the normal form that its recipe names. One without
// keeps the backend's own bytes.
func normalise(j Job, r *Result) error {
	switch j.Recipe.NormalForm {
	case "":
		return nil
	case normalize.Version:
	default:
		return &Error{Package: j.Name + " " + j.Version,
			Why: fmt.Sprintf("its recipe asks for normal form %s, and this wheellock writes %s: it takes a newer one", j.Recipe.NormalForm, normalize.Version)}
	}
	var o normalize.Options
	if e := j.Recipe.Epoch; e != nil {
		o.Epoch = e.Value
	}
	f, err := os.CreateTemp(j.Into, ".normal-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = normalize.File(f, r.Path, o)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), r.Path)
	}
	var bad *archive.Error
	if errors.As(err, &bad) || errors.Is(err, normalize.ErrEpoch) {
		return &Error{Package: j.Name + " " + j.Version, Why: err.Error(), Log: r.Log}
	}
	return err
}
