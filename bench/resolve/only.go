package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// only resolves for one target and prints the versions: args are the address,
// the cache, the requirements file and the target.
func only(args []string) error {
	data, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	var req resolve.Request
	for _, line := range strings.Fields(string(data)) {
		r, err := pep508.Parse(line)
		if err != nil {
			return err
		}
		req.Requirements = append(req.Requirements, resolve.Requirement{Requirement: r})
	}
	t, err := tags.Lookup(args[3])
	if err != nil {
		return err
	}
	req.Targets = []tags.Target{t}
	client, err := index.New(index.Options{URL: args[0], CacheDir: args[1], Pack: args[2]})
	if err != nil {
		return err
	}
	sol, err := resolve.Resolve(context.Background(), client, req)
	if err != nil {
		return err
	}
	client.WritePack()
	for _, p := range sol.Targets[0].Pins {
		fmt.Printf("%s==%s\n", p.Name, p.Version)
	}
	return nil
}
