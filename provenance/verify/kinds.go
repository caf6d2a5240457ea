package verify

import (
	"maps"
	"slices"
)

// A kind is what all findings of one id have in common.
type kind struct {
	class   Class
	stop    bool
	who     string
	command string
}

// Who acts.
const (
	developer = "developer"
	publisher = "publisher"
	builder   = "builder"
	reviewer  = "reviewer"
	ci        = "CI"
	security  = "security team"
)

// The commands that findings name.
const (
	cmdBuild   = "wheellock build --missing --check 2"
	cmdSign    = "wheellock sign"
	cmdSync    = "wheellock mirror sync"
	cmdAppend  = "wheellock log append --pending"
	cmdLock    = "wheellock lock"
	cmdFetch   = "git lfs pull"
	cmdDiff    = "wheellock diff"
	cmdKeys    = "wheellock keys show"
	cmdRestore = "git log -p -- wheels.lock.proof"
	cmdHouse   = "git status --ignored"
)

// kinds is every finding there is. An id says one thing for ever: scripts and
// the pages that explain findings rest on it.
var kinds = map[string]kind{
	// The lock.
	"lock-malformed":   {Tampered, true, developer, "git diff wheels.lock"},
	"lock-out-of-date": {Stale, false, developer, cmdLock},
	"lock-not-logged":  {Incomplete, false, publisher, cmdSign},
	"lock-changed":     {Stale, true, developer, "git diff wheels.lock; if it is as meant: wheellock sign"},

	// The proof and the roots.
	"no-proof":          {Incomplete, false, publisher, cmdSign},
	"proof-missing":     {Stale, true, developer, cmdSign},
	"proof-changed":     {Tampered, true, security, cmdRestore},
	"proof-incomplete":  {Tampered, true, security, cmdRestore},
	"proof-behind":      {Stale, false, publisher, cmdSign},
	"proof-old":         {Incomplete, false, publisher, cmdSign},
	"root-not-pinned":   {Tampered, true, security, cmdKeys},
	"root-provisional":  {Incomplete, false, publisher, "wheellock keys adopt"},
	"root-changed":      {Tampered, true, security, cmdKeys},
	"policy-changed":    {Tampered, true, security, cmdKeys},
	"role-expired":      {Expired, false, security, "wheellock keys rotate"},
	"too-few-witnesses": {Stale, true, ci, "wheellock log witness"},

	// Statements about locked files.
	"wheel-to-build":     {Incomplete, false, developer, cmdBuild},
	"not-stated":         {Incomplete, false, publisher, cmdSign},
	"not-proven":         {Incomplete, false, developer, cmdBuild},
	"hash-not-stated":    {Tampered, true, security, cmdDiff},
	"verdict-not-stated": {Tampered, true, security, cmdDiff},
	"stolen-key":         {Tampered, true, security, "wheellock build --check 2"},
	"withdrawn":          {Stale, true, developer, "wheellock upgrade"},
	"superseded":         {Stale, false, developer, cmdLock},
	"builders-disagree":  {Tampered, true, security, "wheellock build --check 2"},
	"too-few-builders":   {Incomplete, false, builder, cmdBuild},
	"too-few-reviews":    {Incomplete, false, reviewer, "wheellock review"},

	// Pending statements.
	"pending-statements": {Incomplete, false, ci, cmdAppend},
	"pending-changed":    {Tampered, true, security, "git log -p -- wheelhouse/pending"},
	"pending-refused":    {Stale, false, publisher, cmdKeys},

	// The log in the wheelhouse.
	"wheelhouse-missing": {Incomplete, false, developer, cmdFetch},
	"log-missing":        {Incomplete, false, developer, cmdFetch},
	"checkpoint-changed": {Tampered, true, security, "wheellock log fsck"},
	"log-rolled-back":    {Tampered, true, security, "wheellock log fsck"},
	"log-forked":         {Tampered, true, security, "wheellock log fsck"},
	"log-changed":        {Tampered, true, security, "wheellock log fsck"},

	// Files of the wheelhouse.
	"wheel-changed":     {Tampered, true, security, cmdHouse},
	"sdist-changed":     {Tampered, true, security, cmdHouse},
	"file-changed":      {Tampered, true, security, cmdHouse},
	"evidence-changed":  {Tampered, true, security, cmdHouse},
	"lock-copy-changed": {Tampered, true, security, cmdHouse},
	"file-not-fetched":  {Stale, false, developer, cmdFetch},
	"wheel-missing":     {Incomplete, false, builder, cmdBuild},
	"sdist-missing":     {Incomplete, false, publisher, cmdSign},

	// The signed list.
	"list-missing":             {Incomplete, false, publisher, cmdSign},
	"list-changed":             {Tampered, true, security, cmdHouse},
	"list-not-signed":          {Incomplete, false, publisher, cmdSign},
	"list-not-logged":          {Incomplete, false, publisher, cmdSign},
	"list-not-countersigned":   {Incomplete, false, publisher, cmdSign},
	"list-out-of-date":         {Incomplete, false, publisher, cmdSign},
	"countersignature-changed": {Tampered, true, security, cmdHouse},
	"file-not-listed":          {Incomplete, false, publisher, cmdSign},
	"listed-file-missing":      {Stale, false, developer, cmdFetch},

	// Index pages.
	"page-missing": {Incomplete, false, publisher, cmdSync},
	"page-old":     {Stale, false, publisher, cmdSync},
	"page-unknown": {Stale, false, publisher, cmdSync},
	"page-changed": {Tampered, true, security, cmdSync},

	// A folder given with --wheels.
	"wheels-dir-changed": {Tampered, true, developer, "wheellock fetch"},
	"wheels-dir-unknown": {Tampered, true, developer, "wheellock fetch"},
	"wheels-dir-missing": {Stale, false, developer, "wheellock fetch"},
}

// IDs lists the ids of all findings, ascending.
func IDs() []string { return slices.Sorted(maps.Keys(kinds)) }

func (k kind) finding(id, subject, what string) Finding {
	return Finding{ID: id, Class: k.class, Subject: subject, What: what, Stop: k.stop, Who: k.who, Command: k.command}
}
