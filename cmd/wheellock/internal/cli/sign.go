package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

func (a *app) signVerb() *cobra.Command {
	var gpgKey, keyFile string
	cmd := &cobra.Command{
		Use:   "sign",
		Short: "sign the list of what the wheelhouse holds, and publish it in the log",
		Long: `sign first fetches, by hash from any index, the published wheels that the policy
has the wheelhouse carry (mirror = "all") and the sources of built ones, where they
are not there yet. Then it writes sha256sums.txt for all sdists and wheels of the
wheelhouse, signs it with this machine's publisher key (sha256sums.txt.sig), states
it in the log and refreshes the proof. Where the policy's ceremony names every-publication, the
OpenPGP root signs the list as well (sha256sums.txt.asc): name the key.`,
		Example: "  wheellock sign\n  wheellock sign --gpg-key 0123456789ABCDEF",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.sign(cmd.Context(), openPGPFlags{gpgKey, keyFile})
		},
	}
	cmd.Flags().StringVar(&gpgKey, "gpg-key", "", "sign with the key `ID` of gpg (agent or card)")
	cmd.Flags().StringVar(&keyFile, "openpgp-key", "", "sign with the OpenPGP private key in `FILE`")
	return cmd
}

type signReport struct {
	Files int              `json:"files"`
	List  string           `json:"list_sha256"`
	Log   string           `json:"log"`
	Size  int64            `json:"log_size"`
	Order *workorder.Order `json:"order"`
}

func (a *app) sign(ctx context.Context, flags openPGPFlags) error {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.upToDate(); err != nil {
		return err
	}
	if err := s.needFolder(); err != nil {
		return err
	}
	if err := s.maySign(ctx, trust.RolePublisher); err != nil {
		return err
	}
	if _, err := s.bringIn(ctx); err != nil {
		return err
	}
	list, err := s.house().Scan()
	if err != nil {
		return err
	}
	if err := s.matchesLock(list); err != nil {
		return err
	}
	led, err := s.ledger(ctx, true)
	if err != nil {
		return err
	}
	data := mirror.FormatList(list)
	if err := s.signList(led, data, flags); err != nil {
		return err
	}
	if err := led.statePublish(ctx, data); err != nil {
		return err
	}
	// Wheels taken from upstream as they are never went through a build.
	if err := led.stateAll(ctx, s.library(ctx), s.locked); err != nil {
		return err
	}
	if err := led.finish(ctx, s.locked); err != nil {
		return err
	}
	o, err := s.order(ctx, nil, 0)
	if err != nil {
		return err
	}
	if a.json {
		r := signReport{Files: len(list), List: hashOf(data), Log: led.origin, Order: o}
		if led.view != nil {
			r.Size = led.view.Checkpoint.Size
		}
		return a.printJSON(r)
	}
	fmt.Fprintf(a.Out, "signed %s: %s\n\n", mirror.SumsFile, report.Plural(len(list), "file"))
	return a.show(o)
}

// matchesLock refuses to sign a wheelhouse whose files are not what the lock
// says: a signature would make the mistake official.
func (s *session) matchesLock(list []mirror.Listed) error {
	have := map[string]string{}
	for _, l := range list {
		have[l.Path] = l.SHA256
	}
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		if p.Sdist != nil {
			if got := have[mirror.Sdist(p.Sdist.Name)]; got != "" && got != p.Sdist.SHA256 {
				return changedFile(mirror.Sdist(p.Sdist.Name), p.Sdist.SHA256, got)
			}
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.SHA256 == "" {
				continue
			}
			for _, t := range s.locked.WheelTargets(p, w) {
				path := mirror.Wheel(w.Name, t)
				if got := have[path]; got != "" && got != w.SHA256 {
					return changedFile(path, w.SHA256, got)
				}
			}
		}
	}
	return nil
}

func changedFile(path, want, got string) error {
	return finding("find out who changed it; wheellock build makes it again", "%s is not the locked file: sha256 is %s, the lock says %s", path, got[:12], want[:12])
}

// signList writes the list and its signatures.
func (s *session) signList(led *ledger, data []byte, flags openPGPFlags) error {
	signer, err := led.signer(trust.RolePublisher)
	if err != nil {
		return err
	}
	sig, err := note.Sign(mirror.ListNote(led.origin, data), signer)
	if err != nil {
		return err
	}
	asc, err := s.openPGPList(led, data, flags)
	if err != nil {
		return err
	}
	house := s.house()
	if err := house.Write(mirror.SumsFile, data); err != nil {
		return err
	}
	if err := house.Write(mirror.SignFile, sig); err != nil {
		return err
	}
	if asc == nil {
		return nil
	}
	return house.Write(mirror.OpenPGPFile, asc)
}

// openPGPList makes the OpenPGP signature where the policy or the user asks for
// one. A provisional root has no real key, so nothing is signed by it.
func (s *session) openPGPList(led *ledger, data []byte, flags openPGPFlags) ([]byte, error) {
	wanted := slices.Contains(s.project.Config.Policy.Ceremony, "every-publication") && !led.chain.Provisional()
	signer, err := s.openPGPSigner(flags)
	if err != nil {
		return nil, err
	}
	if signer == nil && !wanted {
		return nil, nil
	}
	if signer == nil {
		return nil, invalid("wheellock sign --gpg-key ID, or --openpgp-key FILE",
			"the policy asks for an OpenPGP signature by the root with every publication")
	}
	if !slices.ContainsFunc(led.chain.Newest().OpenPGP, func(k trust.OpenPGPKey) bool { return k.Fingerprint == signer.Fingerprint() }) {
		return nil, invalid("wheellock keys show", "the key %s is not one of the root's", signer.Fingerprint())
	}
	return trust.SignDetachedArmored(data, signer)
}

// statePublish states the list, unless the newest publication is the same one by
// the same key: the list's own signature is judged where its publication stands.
func (l *ledger) statePublish(ctx context.Context, data []byte) error {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	past, err := l.known(ctx, "_"+record.KindPublish)
	if err != nil {
		return err
	}
	signer, err := l.signer(trust.RolePublisher)
	if err != nil {
		return err
	}
	if n := len(past); n > 0 {
		last := past[n-1]
		x, err := last.AsPublish()
		if err == nil && x.File.SHA256 == hash && last.Signer == signer.Name() && last.Hash == signer.KeyHash() {
			return nil
		}
	}
	return l.state(record.Publish{Head: l.head(), File: record.File{Name: mirror.SumsFile, SHA256: hash, Size: int64(len(data))}}.Statement())
}
