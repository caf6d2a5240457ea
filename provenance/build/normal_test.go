package build

import (
	"errors"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
)

// A recipe of a newer wheellock is not built by another form in silence.
func TestUnknownNormalForm(t *testing.T) {
	err := normalise(Job{Name: "kit", Version: "1.0", Recipe: &lock.Recipe{NormalForm: "2"}}, &Result{})
	var bad *Error
	if !errors.As(err, &bad) || !strings.Contains(bad.Why, "normal form 2") {
		t.Errorf("normal form 2: %v", err)
	}
	if err := normalise(Job{Recipe: &lock.Recipe{}}, &Result{}); err != nil {
		t.Errorf("a recipe without: %v", err)
	}
}
