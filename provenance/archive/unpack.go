package archive

import "io/fs"

// Unpack unpacks the sdist (.tar.gz, .tgz or .zip) at path into the folder dir,
// which must exist and be empty, and returns the name of its one top folder.
// Modes are what a build under umask sees; file times are those of the archive.
// Nothing is written outside dir.
func Unpack(path, dir string, umask fs.FileMode) (root string, err error) { return "", errUnwritten }
