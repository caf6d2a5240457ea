package recipe

import (
	"context"
	"fmt"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// ProjectTools resolves what a project that is not in the lock itself is built with: its
// build requirements and what its hooks asked for, each in the version that l (nil:
// none) has in group "build", else the newest that was there at the cut-off.
// Errors are those of the index and *resolve.ConflictError.
func ProjectTools(ctx context.Context, src Source, l *lock.Lock, t tags.Target, sys metadata.BuildSystem, asked []string, cutoff time.Time) ([]resolve.Pin, error) {
	pl := &planner{src: src, solve: resolve.Resolve}
	inf := inferred{cutoff: cutoff, pins: map[string]string{}, extra: asked}
	if l != nil {
		for i := range l.Packages {
			if p := &l.Packages[i]; p.Group == lock.GroupBuild && inf.pins[p.Name] == "" && l.WheelFor(p, t.Name) != nil {
				inf.pins[p.Name] = "==" + p.Version
			}
		}
	}
	for _, text := range asked {
		if _, err := pep508.Parse(text); err != nil {
			return nil, fmt.Errorf("its hook asks for %q: %w", text, err)
		}
	}
	if len(asked) > MaxRequires {
		return nil, fmt.Errorf("its hook asks for %d requirements, at most %d are read", len(asked), MaxRequires)
	}
	pins, _, err := pl.requires(ctx, t, sys, inf)
	return pins, err
}
