package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// An Engine runs containers: podman, which can hand descriptors on and needs no
// daemon (docker can do neither). Images are named by [TreePlan.Image]; they
// are never fetched here.
type Engine struct {
	Path    string   // of podman; "": not installed
	Environ []string // podman's own: it finds its images by HOME and XDG_RUNTIME_DIR
}

// image returns the digest of an image, which names it for good.
func (e *Engine) image(ctx context.Context, name string) (string, error) {
	cmd := exec.CommandContext(ctx, e.Path, "image", "inspect", "--format", "{{.Id}}", name)
	cmd.Env = e.Environ
	out, err := cmd.Output()
	id := strings.TrimSpace(string(out))
	if err != nil || id == "" {
		return "", fmt.Errorf("podman has no image %s", name)
	}
	return strings.TrimPrefix(id, "sha256:"), nil
}

// base are the arguments of every container: no network, nothing to write, no
// capabilities, a user that is not the image's root.
func (e *Engine) base(l limits) []string {
	a := []string{"run", "--rm", "--interactive", "--pull", "never", "--network", "none", "--read-only", "--read-only-tmpfs=false",
		"--cap-drop", "all", "--security-opt", "no-new-privileges", "--pids-limit", strconv.FormatInt(l.processes+spare, 10),
		"--memory", strconv.FormatInt(l.memory, 10), "--shm-size", strconv.FormatInt(l.shared, 10), "--env-host=false", "--user", "1000:1000"}
	if os.Geteuid() != 0 {
		a = append(a, "--userns", "keep-id:uid=1000,gid=1000")
	}
	return a
}

// ask finds an interpreter in an image.
func (e *Engine) ask(ctx context.Context, image, tag string, l limits) (Interpreter, error) {
	id, err := e.image(ctx, image)
	if err != nil {
		return Interpreter{}, err
	}
	args := append(e.base(l), "--entrypoint", "/bin/sh", id, "-c", `exec "$0" "$@"`, programName(tag))
	i, err := askBy(ctx, append([]string{e.Path}, args...), e.Environ)
	i.Image = id
	return i, err
}

// command is the whole build in a container. Descriptors 3 and 4 are handed on.
func (e *Engine) command(ctx context.Context, s *sandbox, files []*os.File) *exec.Cmd {
	for _, dir := range []string{s.env, s.source} {
		_ = os.Chmod(dir, 0o755) // the container's user is another one; the folders above are closed
	}
	a := append(e.base(s.limits), "--preserve-fds", "2", "--hostname", s.host, "--workdir", "/build",
		"--tmpfs", "/build:rw,exec,nosuid,nodev,mode=1777,size="+strconv.FormatInt(s.limits.disk, 10),
		"--tmpfs", "/tmp:rw,exec,nosuid,nodev,mode=1777,size="+strconv.FormatInt(s.limits.tmp, 10),
		"--volume", s.env+":/env:ro", "--volume", s.source+":/source:ro")
	if s.rust != nil {
		args := s.rust.args()
		for n := 0; n < len(args); n += 3 {
			a = append(a, "--volume", args[n+1]+":"+args[n+2]+":ro")
		}
	}
	for _, v := range s.vars {
		a = append(a, "--env", v)
	}
	a = append(a, "--entrypoint", s.interpreter.Path, s.interpreter.Image)
	a = append(a, guarded(s.interpreter.Path, s.limits, false, []string{"/env/bin/python", "-c", driver})[1:]...)
	cmd := exec.CommandContext(ctx, e.Path, a...)
	cmd.Env = e.Environ
	cmd.ExtraFiles = files[:2]
	return cmd
}
