package compare

import "sort"

// The causes.
const (
	ZipTimes         = "zip-times"
	ZipModes         = "zip-modes"
	Deflate          = "deflate"
	RecordOrder      = "record-order"
	Generator        = "generator"
	Tag              = "tag"
	MetadataEOL      = "metadata-eol"
	MetadataFields   = "metadata-fields"
	LicenseFiles     = "license-files"
	MissingInSdist   = "missing-in-sdist"
	PreprocessedData = "preprocessed-data"
	NativePath       = "native-path"
	NativeCompiler   = "native-compiler"
	VendoredLibs     = "vendored-libs"
	SBOM             = "sbom"
	EnvSwitch        = "env-switch"
	RequirementGone  = "requirement-gone"
)

// meanings has one sentence a cause; docs/causes.md says what to do about each.
var meanings = map[string]string{
	ZipTimes:         "times in the container: of members, or in a gzip header",
	ZipModes:         "modes, owners, or the system that made the container",
	Deflate:          "the same bytes packed otherwise, or other fields of the container",
	RecordOrder:      "RECORD's rows, or the container's members, in another order",
	Generator:        "another build backend, or another version of it",
	Tag:              "another wheel tag, or another processor",
	MetadataEOL:      "METADATA with other line ends",
	MetadataFields:   "other METADATA, entry points or such",
	LicenseFiles:     "other licence files, or License-File",
	MissingInSdist:   "files upstream that our source does not make",
	PreprocessedData: "files with other content",
	NativePath:       "compiled code that differs by where it was built",
	NativeCompiler:   "compiled code by another compiler",
	VendoredLibs:     "shared libraries copied in, or code changed to find them",
	SBOM:             "a bill of materials was added",
	EnvSwitch:        "the publisher compiles what is pure when built plainly",
	RequirementGone:  "other Requires-Dist",
}

// Causes is the whole vocabulary, sorted.
func Causes() []string {
	all := make([]string, 0, len(meanings))
	for c := range meanings {
		all = append(all, c)
	}
	sort.Strings(all)
	return all
}

// Meaning is a cause in a few words, "" for a word that is none.
func Meaning(cause string) string { return meanings[cause] }
