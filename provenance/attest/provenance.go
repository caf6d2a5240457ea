package attest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// URIs of what an attestation is.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://slsa.dev/provenance/v1"
	BuildType     = "https://github.com/freedomofpress/wheellock/blob/main/docs/attestations.md#wheel-v1"
)

// Caps on what an attestation holds.
const (
	MaxTools = 6_000 // build requirements, and as many packages of the toolchain, and crates
	MaxValue = 4_096 // bytes of one value
)

// Kinds of resolved dependencies.
const (
	kindSource      = "source"
	kindRecipe      = "recipe"
	kindTool        = "build-requirement"
	kindCrate       = "crate"
	kindToolchain   = "toolchain"
	kindInterpreter = "interpreter"
)

// A Provenance says how one wheel was built. Hashes are hex sha256, values
// printable ASCII.
type Provenance struct {
	Log              string // origin of the log that the build statement is for
	Builder          string // key id
	Wheellock        string // version of the program
	Package, Version string
	Target           string
	File, SHA256     string // of the wheel
	Content          string // hash of what it installs
	Source           File
	Recipe           []byte // canonical text; its sha256 is the recipe's digest
	Tools            []Tool // build requirements, in the recipe's order
	Crates           []Tool // Rust crates that were fetched by the source's own hashes
	// Toolchain are the system's packages that native code was built with, as
	// "NAME VERSION".
	Toolchain    []string
	Python       string // full version of the interpreter
	Place, Walls string // where it was built, and what stood around it
	Times        int    // built with equal bytes
	Varied       []string
	Started      time.Time // of the first of those builds; to the second
	Finished     time.Time
	BuildLog     string // hashes of two files in evidence/
	Comparison   string
}

// A File is a name with the hash of its bytes.
type File struct{ Name, SHA256 string }

// A Tool is a build requirement or a crate.
type Tool struct{ Name, Version, SHA256 string }

// RecipeDigest is the hex sha256 of the recipe.
func (p *Provenance) RecipeDigest() string { return hexSum(p.Recipe) }

func hexSum(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

// BuilderID is the URI of a builder of a log.
func (p *Provenance) BuilderID() string { return "wheellock://" + p.Log + "/builder/" + p.Builder }

// invocation names the build by what it was of and when: the same for the same
// build, however often it is written down.
func (p *Provenance) invocation() string {
	return "sha256:" + hexSum(fmt.Appendf(nil, "wheellock-invocation/v1\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", p.BuilderID(), p.Target,
		p.Source.SHA256, p.RecipeDigest(), p.SHA256, p.Started.UTC().Format(time.RFC3339), p.Finished.UTC().Format(time.RFC3339)))
}

// payload writes the statement in its one spelling.
func (p *Provenance) payload() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("attesting %s: %w", p.File, err)
	}
	recipe := &digest{p.RecipeDigest()}
	source := resource{Name: p.Source.Name, Digest: &digest{p.Source.SHA256}}
	s := statement{Type: StatementType, PredicateType: PredicateType,
		Subject: []resource{{Name: p.File, Digest: &digest{p.SHA256}, Annotations: &annotations{Content: "sha256:" + p.Content}}}}
	d := &s.Predicate.BuildDefinition
	d.BuildType = BuildType
	d.ExternalParameters = external{Package: nameVersion{p.Package, p.Version}, Recipe: resource{Digest: recipe}, Source: source, Target: p.Target}
	d.InternalParameters = internal{Log: p.Log, Place: p.Place, Times: p.Times, Varied: p.Varied, Walls: p.Walls}
	source.Annotations = &annotations{Kind: kindSource}
	d.ResolvedDependencies = []resource{source, {Name: "recipe", Digest: recipe,
		Content: base64.StdEncoding.EncodeToString(p.Recipe), Annotations: &annotations{Kind: kindRecipe}}}
	add := func(kind, purl, name, version string, sum *digest) {
		d.ResolvedDependencies = append(d.ResolvedDependencies, resource{Name: name, URI: "pkg:" + purl + "/" + escape(name) + "@" + escape(version),
			Digest: sum, Annotations: &annotations{Kind: kind, Version: version}})
	}
	for _, t := range p.Tools {
		add(kindTool, "pypi", t.Name, t.Version, &digest{t.SHA256})
	}
	for _, t := range p.Crates {
		add(kindCrate, "cargo", t.Name, t.Version, &digest{t.SHA256})
	}
	for _, t := range p.Toolchain {
		name, version, _ := strings.Cut(t, " ")
		add(kindToolchain, "generic", name, version, nil)
	}
	add(kindInterpreter, "generic", "python", p.Python, nil)
	r := &s.Predicate.RunDetails
	r.Builder.ID, r.Builder.Version = p.BuilderID(), version{p.Wheellock}
	r.Metadata = metadata{p.invocation(), p.Started.UTC().Format(time.RFC3339), p.Finished.UTC().Format(time.RFC3339)}
	r.Byproducts = []resource{{Name: "build.log", Digest: &digest{p.BuildLog}, MediaType: "text/plain"},
		{Name: "comparison.txt", Digest: &digest{p.Comparison}, MediaType: "text/plain"}}
	return encode(s)
}

// parse reads a payload, and takes no other bytes than it would write.
func parse(payload []byte) (*Provenance, error) {
	var s statement
	if err := decode(payload, &s); err != nil {
		return nil, err
	}
	if s.Type != StatementType || s.PredicateType != PredicateType {
		return nil, malformed("it is a %.80q of a %.80q, not SLSA provenance v1", s.Type, s.PredicateType)
	}
	d, r := &s.Predicate.BuildDefinition, &s.Predicate.RunDetails
	if d.BuildType != BuildType {
		return nil, malformed("its build type is %.120q", d.BuildType)
	}
	if len(s.Subject) != 1 || len(r.Byproducts) != 2 {
		return nil, malformed("%d subjects and %d byproducts", len(s.Subject), len(r.Byproducts))
	}
	p := &Provenance{Log: d.InternalParameters.Log, Place: d.InternalParameters.Place, Walls: d.InternalParameters.Walls,
		Times: d.InternalParameters.Times, Varied: d.InternalParameters.Varied, Wheellock: r.Builder.Version.Wheellock,
		Package: d.ExternalParameters.Package.Name, Version: d.ExternalParameters.Package.Version, Target: d.ExternalParameters.Target,
		File: s.Subject[0].Name, SHA256: s.Subject[0].sum(), Source: File{d.ExternalParameters.Source.Name, d.ExternalParameters.Source.sum()},
		BuildLog: r.Byproducts[0].sum(), Comparison: r.Byproducts[1].sum()}
	p.Builder = strings.TrimPrefix(r.Builder.ID, "wheellock://"+p.Log+"/builder/")
	if a := s.Subject[0].Annotations; a != nil {
		p.Content = strings.TrimPrefix(a.Content, "sha256:")
	}
	var err error
	if p.Started, err = time.Parse(time.RFC3339, r.Metadata.StartedOn); err == nil {
		p.Finished, err = time.Parse(time.RFC3339, r.Metadata.FinishedOn)
	}
	if err != nil {
		return nil, malformed("when it was built: %v", err)
	}
	if err := p.dependencies(d.ResolvedDependencies); err != nil {
		return nil, err
	}
	again, err := p.payload()
	if err != nil {
		return nil, malformed("%v", err)
	}
	if !bytes.Equal(again, payload) {
		return nil, cmp.Or(explain(payload), malformed("the statement is not in its one spelling, or does not agree with itself"))
	}
	return p, nil
}

func (r resource) sum() string {
	if r.Digest == nil {
		return ""
	}
	return r.Digest.SHA256
}

// dependencies takes over what stands in the list alone; parse compares the rest.
func (p *Provenance) dependencies(list []resource) (err error) {
	for _, r := range list {
		a := r.Annotations
		if a == nil {
			return malformed("the dependency %.80q has no kind", r.Name)
		}
		switch a.Kind {
		case kindSource:
		case kindRecipe:
			if p.Recipe, err = decode64(r.Content); err != nil {
				return malformed("the recipe: %v", err)
			}
		case kindTool:
			p.Tools = append(p.Tools, Tool{r.Name, a.Version, r.sum()})
		case kindCrate:
			p.Crates = append(p.Crates, Tool{r.Name, a.Version, r.sum()})
		case kindToolchain:
			p.Toolchain = append(p.Toolchain, r.Name+" "+a.Version)
		case kindInterpreter:
			p.Python = a.Version
		default:
			return malformed("the dependency %.80q is of the unknown kind %.80q", r.Name, a.Kind)
		}
	}
	return nil
}

// escape writes a part of a package URL.
func escape(s string) string { return strings.ReplaceAll(url.PathEscape(s), "+", "%2B") }
