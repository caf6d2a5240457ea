package resolve

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// TestQuickExplanations refuses requests on recorded pages with thousands of
// versions: each with a way out, none in more than a second, and short enough
// to be read.
func TestQuickExplanations(t *testing.T) {
	src := snapshot(t)
	var all []tags.Target
	for _, name := range []string{"focal", "jammy", "bookworm"} {
		target, err := tags.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, target)
	}
	for _, ask := range []string{
		"boto3>=1.34 botocore<1.20",
		"boto3 botocore<1.0",
		"boto3<1.20 urllib3>=2",
		"requests>=2.32 urllib3<1.20",
		"flask>=2.3 werkzeug<2",
		"sqlalchemy<1.4 alembic>=1.13",
	} {
		req := Request{Targets: all, Requirements: requirements(t, strings.Fields(ask)...)}
		used := resolvetest.Stopwatch()
		_, err := Resolve(context.Background(), src, req)
		took := used() / time.Duration(len(all)) // the targets take turns
		var conflict *ConflictError
		if !errors.As(err, &conflict) {
			t.Logf("%s: no conflict in this recording: %v", ask, err)
			continue
		}
		text := conflict.Error()
		t.Logf("%s: %v\n%s", ask, took, text)
		if took > time.Second {
			t.Errorf("%s: explained in %v", ask, took)
		}
		if n := strings.Count(text, "\n"); n > 60 {
			t.Errorf("%s: %d lines", ask, n)
		}
		for _, x := range conflict.Explanations {
			if len(x.Works) == 0 {
				t.Errorf("%s: no way out for %v", ask, x.Targets)
			}
		}
	}
}
