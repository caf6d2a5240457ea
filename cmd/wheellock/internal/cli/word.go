package cli

import (
	"regexp"
	"strings"

	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

var (
	localWord  = regexp.MustCompile(`^(-e\s|--editable|\.{1,2}($|/)|/|~/|file:)|^[^@;\[<>=!~ ]*/$`)
	oneEquals  = regexp.MustCompile(`^([A-Za-z0-9._-]+(?:\[[^\]]*\])?)\s*=\s*([0-9][^=<>!~;, ]*)$`)
	bareNumber = regexp.MustCompile(`^([A-Za-z0-9._-]+)(?:\s+|@)([0-9]+(?:\.[0-9]+)*)$`)
	optionWord = regexp.MustCompile(`^--?[A-Za-z]`)
)

// parseWord reads a requirement of the command line. What other tools or a slip
// of the hand would write there is answered with what to type.
func parseWord(arg string) (pep508.Requirement, error) {
	word := strings.TrimSpace(arg)
	switch {
	case localWord.MatchString(word):
		return pep508.Requirement{}, localRequirement(word)
	case optionWord.MatchString(word):
		return pep508.Requirement{}, invalid("write the line into requirements.in, then: wheellock lock", "%s is a line of a requirements file, not a requirement", word)
	}
	if m := bareNumber.FindStringSubmatch(word); m != nil {
		return pep508.Requirement{}, invalid("wheellock add '"+m[1]+"=="+m[2]+"'", "%q does not say how the version is meant: ==, >= or ~=", word)
	}
	named, err := pyproject.Named(word)
	if err != nil {
		return pep508.Requirement{}, invalid("say which package it is: wheellock add 'NAME @ ADDRESS'", "%v", err)
	}
	r, err := pep508.Parse(named)
	if m := oneEquals.FindStringSubmatch(word); m != nil && err != nil {
		return r, invalid("wheellock add '"+m[1]+"=="+m[2]+"'", "%q has one =, a version is pinned with two", word)
	}
	if err != nil {
		return r, requirementError("", err)
	}
	return r, nil
}

// localRequirement says where a folder is required: only a file can, since the
// path starts there.
func localRequirement(word string) error {
	return invalid("write the line "+word+" into requirements.in, then: wheellock lock",
		"%s is a folder of this machine: add takes names and addresses", strings.TrimPrefix(word, "-e "))
}
