package build

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits on what of a wheel is read to find its libraries.
const (
	maxModule  = 256 << 20 // bytes of a shared object
	maxModules = 1024
)

// A GoneError is a recipe whose toolchain this machine does not have, or no
// longer. What another toolchain makes may have other bytes, so it may not go by
// the same recipe.
type GoneError struct {
	Package string   // "NAME VERSION"
	Place   string   // where it was looked for
	Gone    []string // "gcc-12 12.2.0-14"
	Here    []string // the versions of the same packages here; "gcc-12 not installed"
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("building %s: toolchain-gone: the recipe was built with %s; %s has %s", e.Package, some(e.Gone), e.Place, some(e.Here))
}

// Hint says how to go on.
func (e *GoneError) Hint() string {
	name, _, _ := strings.Cut(e.Package, " ")
	return "wheellock build " + name + " --supersede builds it with the tools of now: the statement names the hash that it supersedes, and why; or build where the old toolchain is"
}

func some(list []string) string {
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], ", "), len(list)-3)
	}
	return strings.Join(list, ", ")
}

// toolchainGone compares a recipe's toolchain with what a place has.
func toolchainGone(j Job, i *Interpreter) error {
	if len(j.Recipe.Toolchain) == 0 {
		return nil
	}
	place, _, _ := strings.Cut(i.place(), " with the packages ")
	e := &GoneError{Package: j.Name + " " + j.Version, Place: place}
	d := dpkg(i.Root)
	if d.read() != nil {
		e.Gone, e.Here = j.Recipe.Toolchain, []string{"no packages of dpkg"}
		return e
	}
	for _, tool := range j.Recipe.Toolchain {
		name, version, _ := strings.Cut(tool, " ")
		if name == rustTool {
			continue // no package: see rustGone
		}
		switch have, ok := d.versions[name]; {
		case !ok:
			e.Gone, e.Here = append(e.Gone, tool), append(e.Here, name+" not installed")
		case have != version:
			e.Gone, e.Here = append(e.Gone, tool), append(e.Here, name+" "+have)
		}
	}
	if len(e.Gone) == 0 {
		return nil
	}
	return e
}

// toolchain lists the packages that the native code of a wheel came from, beside
// its source: compiler, assembler and linker, the headers that were read, and the
// libraries that it is linked with.
func toolchain(r *Result) []string {
	var rust []string
	if r.rust != nil && r.rust.tools.name != "" {
		rust = []string{r.rust.tools.name}
	}
	d := dpkg(r.interpreter.Root)
	if d.read() != nil {
		return rust
	}
	root := r.interpreter.Root
	files := append([]string{}, r.headers...)
	needed, plusplus := linked(r.Path)
	for _, dir := range libraryFolders(root) {
		for _, lib := range needed {
			if f := within(root, dir+"/"+lib); f != "" {
				files = append(files, f)
			}
			if so, _, ok := strings.Cut(lib, ".so"); ok { // the link that the linker followed
				files = append(files, dir+"/"+so+".so")
			}
		}
	}
	programs := []string{"cc", "gcc", "as", "ld"}
	if plusplus {
		programs = append(programs, "c++", "g++")
	}
	if r.rust != nil && len(rust) == 0 {
		programs = append(programs, "rustc", "cargo")
	}
	for _, p := range programs {
		if f := within(root, "/usr/bin/"+p); f != "" {
			files = append(files, f)
		}
	}
	// What every module needs, whichever compiler told of its headers.
	files = append(files, "/usr/include/stdio.h", "/usr/include/python"+tagVersion(r.interpreter.Tag)+"/Python.h")
	tools := append(d.owners(clean(files)), rust...)
	slices.Sort(tools)
	return tools
}

// clean makes the paths one spelling: compilers write a/../b.
func clean(files []string) []string {
	for i, f := range files {
		files[i] = filepath.Clean(f)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// within resolves the symbolic links of a path inside a tree; "" where nothing is.
func within(root, path string) string {
	for range 16 {
		info, err := os.Lstat(root + path)
		if err != nil {
			return ""
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return path
		}
		to, err := os.Readlink(root + path)
		if err != nil {
			return ""
		}
		if filepath.IsAbs(to) {
			path = filepath.Clean(to)
		} else {
			path = filepath.Join(filepath.Dir(path), to)
		}
	}
	return ""
}

// libraryFolders are where a linker looks.
func libraryFolders(root string) []string {
	var out []string
	for _, pattern := range []string{"/usr/lib/*-linux-gnu*", "/usr/lib64", "/usr/lib", "/lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(root + pattern)
		for _, f := range found {
			out = append(out, strings.TrimPrefix(f, root))
		}
	}
	return out
}

// linked lists the libraries that a wheel's modules name, but for those that the
// wheel brings itself, and whether there is C++ among them.
func linked(wheel string) (needed []string, plusplus bool) {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return nil, false
	}
	defer z.Close()
	own := map[string]bool{}
	for n, f := range z.File {
		name := filepath.Base(f.Name)
		own[name] = true
		if n >= maxModules || !strings.Contains(name, ".so") || f.UncompressedSize64 > maxModule {
			continue
		}
		needed = append(needed, libraries(f)...)
	}
	needed = slices.DeleteFunc(needed, func(lib string) bool { return own[lib] })
	slices.Sort(needed)
	needed = slices.Compact(needed)
	return needed, slices.ContainsFunc(needed, func(lib string) bool { return strings.HasPrefix(lib, "libstdc++") })
}

func libraries(f *zip.File) (libs []string) {
	// debug/elf does not promise to survive every file.
	defer func() {
		if recover() != nil {
			libs = nil
		}
	}()
	r, err := f.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxModule))
	if err != nil {
		return nil
	}
	e, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	defer e.Close()
	libs, _ = e.ImportedLibraries()
	return slices.DeleteFunc(libs, func(lib string) bool { return lib != filepath.Base(lib) })
}
