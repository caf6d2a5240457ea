package build

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// The words for Builder.Backend. "" is BackendAuto: this machine itself where it can
// build for the target, else a tree, else a container.
const (
	BackendAuto   = "auto"
	BackendHost   = "host"
	BackendChroot = "chroot"
	BackendPodman = "podman"
)

// Backends are all of them.
var Backends = []string{BackendAuto, BackendHost, BackendChroot, BackendPodman}

// find picks the interpreter, and with it the place, of a build. The error is that
// of the first place that was tried, with the ways that the others have; it is a
// *NoPlaceError but where a tree could not be made. Without create no tree is made,
// and the interpreter of one that is not there yet is nil.
func (b *Builder) find(ctx context.Context, t tags.Target, tag string, native, create bool) (*Interpreter, error) {
	var first *NoPlaceError
	for _, place := range []struct {
		backend string
		find    func() (*Interpreter, error)
	}{
		{BackendHost, func() (*Interpreter, error) { return b.onHost(ctx, t, tag, native) }},
		{BackendChroot, func() (*Interpreter, error) { return b.inTree(ctx, t, tag, create) }},
		{BackendPodman, func() (*Interpreter, error) { return b.inContainer(ctx, t, tag, create) }},
	} {
		chosen := or(b.Backend, BackendAuto)
		if chosen != BackendAuto && chosen != place.backend {
			continue
		}
		i, err := place.find()
		var no *NoPlaceError
		if !errors.As(err, &no) {
			return i, err
		}
		if first == nil {
			first = no
		} else {
			first.Ways = slices.Compact(append(slices.Clone(no.Ways), first.Ways...))
		}
	}
	return nil, first
}

// inTree returns the interpreter of a tree.
func (b *Builder) inTree(ctx context.Context, t tags.Target, tag string, create bool) (*Interpreter, error) {
	no := func(why string, ways ...string) error { return &NoPlaceError{Target: t.Name, Why: why, Ways: ways} }
	if b.Trees == nil {
		return nil, no("no trees are kept here")
	}
	name, release, why := b.Trees.release(t, tag)
	if why != "" {
		return nil, no("no tree can be made for it: " + why)
	}
	if b.Trees.Mmdebstrap == "" {
		return nil, no("mmdebstrap is not installed", "apt-get install mmdebstrap: then it is built here, in a tree of "+release)
	}
	if !create {
		return nil, nil
	}
	tree, err := b.Trees.get(ctx, name, release, b.Trees.Plans[name])
	if err != nil {
		return nil, err
	}
	i, err := tree.ask(ctx, b.Bwrap, tag)
	if err != nil {
		return nil, no("the tree "+tree.Name+" has no "+pythonWord(tag)+": "+err.Error(), "choose its suites and packages in the configuration: [trees."+tree.Name+"]")
	}
	if why := hostMismatch(i.Target, t); why != "" {
		return nil, no("in the tree " + tree.Name + ": " + why)
	}
	return i, nil
}

// ask finds an interpreter in the tree.
func (t *Tree) ask(ctx context.Context, bwrap, tag string) (*Interpreter, error) {
	args := append([]string{bwrap, "--unshare-all", "--unshare-user", "--die-with-parent"}, folders(t.root)...)
	args = append(args, "--proc", "/proc", "--dev", "/dev", "--", "/usr/bin/"+programName(tag))
	i, err := askBy(ctx, args, []string{"LC_ALL=C.UTF-8"})
	if err != nil {
		return nil, err
	}
	i.list = strings.Join(t.Packages, "\n") + "\n"
	i.Root, i.Tree = t.root, "tree of "+strings.Join(t.Suites, ", ")+" with the packages sha256:"+t.Digest
	return &i, nil
}

// engineReady reports whether there is podman and an image to run.
func (b *Builder) engineReady() bool {
	if b.Engine == nil || b.Engine.Path == "" || b.Trees == nil || b.Backend != BackendPodman && or(b.Backend, BackendAuto) != BackendAuto {
		return false
	}
	for _, p := range b.Trees.Plans {
		if p.Image != "" {
			return true
		}
	}
	return b.Backend == BackendPodman
}

// inContainer returns the interpreter of the target's image.
func (b *Builder) inContainer(ctx context.Context, t tags.Target, tag string, create bool) (*Interpreter, error) {
	no := func(why string, ways ...string) error { return &NoPlaceError{Target: t.Name, Why: why, Ways: ways} }
	name := ""
	if b.Trees != nil {
		name = or(b.Trees.Plans[t.Name].Image, b.Trees.Plans[strings.TrimSuffix(t.Name, archSuffix())].Image)
	}
	switch {
	case name == "" && (b.Engine == nil || b.Engine.Path == ""):
		return nil, no("no container image is configured for it")
	case name == "":
		return nil, no("no image is configured for it", "name one in the configuration, which podman has: [trees."+t.Name+"] image")
	case b.Engine == nil || b.Engine.Path == "":
		return nil, no("podman is not installed", "apt-get install podman: then it is built here, in "+name)
	case !create:
		return nil, nil
	}
	i, err := b.Engine.ask(ctx, name, tag, b.limits())
	if err != nil {
		return nil, no("in the image "+name+": "+err.Error(), "podman pull "+name)
	}
	if why := hostMismatch(i.Target, t); why != "" {
		return nil, no("in the image " + name + ": " + why)
	}
	return &i, nil
}

// choose picks the place for a job. Whether a source has native code is known only
// where its published wheels tell; where they don't, a place that can do both is
// preferred, since what is linked on the wrong one is of no use.
func (b *Builder) choose(ctx context.Context, j Job) (*Interpreter, error) {
	pure := j.metadata || len(j.Recipe.ExpectTags) > 0
	for _, tag := range j.Recipe.ExpectTags {
		pure = pure && strings.HasSuffix(tag, "-any")
	}
	i, err := b.find(ctx, j.Target, j.Recipe.Python, !pure, true)
	if errors.As(err, new(*NoPlaceError)) && !pure {
		i, err = b.find(ctx, j.Target, j.Recipe.Python, false, true)
	}
	return i, err
}
