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

// The commands that findings name. Findings about a file that have none name the
// one that shows who changed it.
const (
	cmdBuild   = "wheellock build --missing --check 2"
	cmdSign    = "wheellock sign"
	cmdSync    = "wheellock mirror sync"
	cmdAgree   = "wheellock build --agree"
	cmdAppend  = "wheellock log append --pending"
	cmdCosign  = "wheellock log checkpoint --cosign"
	cmdPolicy  = "wheellock log policy --witness 'VKEY URL'"
	cmdRenew   = "wheellock keys renew"
	cmdLock    = "wheellock lock"
	cmdGet     = "git lfs pull"
	cmdDiff    = "git diff HEAD -- wheels.lock"
	cmdKeys    = "wheellock keys show"
	cmdFetch   = "wheellock fetch --target TARGET -d FOLDER"
	cmdRecord  = "wheellock repro --record -- COMMAND"
	cmdHistory = "git log --oneline -- "
)

// kinds is every finding there is. An id says one thing for ever: scripts and
// the pages that explain findings rest on it.
var kinds = map[string]kind{
	// The lock.
	"lock-malformed":   {Tampered, true, developer, cmdDiff},
	"lock-out-of-date": {Stale, false, developer, cmdLock},
	"lock-not-logged":  {Incomplete, false, publisher, cmdSign},
	"lock-changed":     {Stale, true, developer, cmdDiff + " (if it is as meant: wheellock sign)"},

	// The proof and the roots.
	"no-proof":          {Incomplete, false, publisher, cmdSign},
	"proof-missing":     {Stale, true, developer, cmdSign},
	"proof-changed":     {Tampered, true, security, cmdHistory + "wheels.lock.proof"},
	"proof-incomplete":  {Tampered, true, security, cmdHistory + "wheels.lock.proof"},
	"proof-behind":      {Stale, false, publisher, cmdSign},
	"log-unfinished":    {Incomplete, false, publisher, cmdSign},
	"proof-old":         {Incomplete, false, publisher, cmdSign},
	"root-not-pinned":   {Tampered, true, security, cmdKeys},
	"root-provisional":  {Incomplete, false, publisher, "wheellock keys adopt --openpgp-key FILE"},
	"root-changed":      {Tampered, true, security, ""},
	"policy-changed":    {Tampered, true, security, ""},
	"role-expired":      {Expired, false, security, cmdKeys},
	"too-few-witnesses": {Stale, true, ci, cmdAppend},
	"quorum-missing":    {Stale, true, ci, cmdCosign},
	"quorum-unknown":    {Incomplete, false, developer, cmdGet},

	// Asked for by --fresh alone.
	"not-fresh":    {Stale, true, ci, cmdCosign},
	"age-unknown":  {Stale, true, security, cmdPolicy},
	"expired":      {Expired, false, security, cmdRenew},
	"expires-soon": {OK, false, security, cmdRenew},

	// Statements about locked files.
	"wheel-to-build":     {Incomplete, false, developer, cmdBuild},
	"not-stated":         {Incomplete, false, publisher, cmdSign},
	"not-proven":         {Incomplete, false, developer, cmdBuild},
	"differs-in-use":     {Stale, true, developer, cmdLock},
	"hash-not-stated":    {Tampered, true, security, cmdDiff},
	"verdict-not-stated": {Tampered, true, security, cmdDiff},
	"stolen-key":         {Tampered, true, security, "wheellock build --check 2"},
	"withdrawn":          {Stale, true, developer, "wheellock add 'NAME!=VERSION'"},
	"superseded":         {Stale, false, developer, cmdLock},
	"builders-disagree":  {Tampered, true, security, cmdAgree + "; then wheellock keys revoke whoever is wrong"},
	"too-few-builders":   {Incomplete, false, builder, cmdAgree},
	"too-few-reviews":    {Incomplete, false, reviewer, "wheellock review"},

	// What builders attest of the builds behind the lock.
	"attestation-forged":    {Tampered, true, security, ""},
	"attestation-differs":   {Tampered, true, security, ""},
	"attestation-malformed": {Tampered, true, security, ""},
	"attestation-missing":   {Incomplete, false, builder, cmdAgree},
	"evidence-missing":      {Incomplete, false, builder, cmdGet + " (or copy it from where it was built)"},

	// A file that was asked about.
	"artifact-unknown":   {Stale, true, publisher, cmdRecord},
	"artifact-changed":   {Tampered, true, security, cmdRecord},
	"artifact-withdrawn": {Stale, true, publisher, cmdRecord},
	"artifact-pending":   {Incomplete, false, ci, cmdAppend},

	// Pending statements.
	"pending-statements": {Incomplete, false, ci, cmdAppend},
	"pending-changed":    {Tampered, true, security, ""},
	"pending-refused":    {Stale, false, publisher, cmdKeys},

	// The log in the wheelhouse.
	"wheelhouse-missing": {Incomplete, false, developer, cmdGet},
	"log-missing":        {Incomplete, false, developer, cmdGet},
	"checkpoint-changed": {Tampered, true, security, ""},
	"log-rolled-back":    {Tampered, true, security, ""},
	"log-forked":         {Tampered, true, security, ""},
	"log-changed":        {Tampered, true, security, ""},

	// Files of the wheelhouse.
	"wheel-changed":     {Tampered, true, security, ""},
	"sdist-changed":     {Tampered, true, security, ""},
	"file-changed":      {Tampered, true, security, ""},
	"evidence-changed":  {Tampered, true, security, ""},
	"lock-copy-changed": {Tampered, true, security, ""},
	"wheel-replaced":    {Stale, false, developer, cmdLock},
	"file-not-fetched":  {Stale, false, developer, cmdGet},
	"wheel-missing":     {Incomplete, false, builder, cmdBuild},
	"sdist-missing":     {Incomplete, false, publisher, cmdSign},

	// The signed list.
	"list-missing":             {Incomplete, false, publisher, cmdSign},
	"list-changed":             {Tampered, true, security, ""},
	"list-unmerged":            {Stale, false, publisher, cmdSign},
	"list-not-signed":          {Incomplete, false, publisher, cmdSign},
	"list-not-logged":          {Incomplete, false, publisher, cmdSign},
	"list-not-countersigned":   {Incomplete, false, publisher, cmdSign},
	"list-out-of-date":         {Incomplete, false, publisher, cmdSign},
	"countersignature-changed": {Tampered, true, security, ""},
	"file-not-listed":          {Incomplete, false, publisher, cmdSign},
	"listed-file-missing":      {Stale, false, developer, cmdGet},

	// Index pages.
	"page-missing": {Incomplete, false, publisher, cmdSync},
	"page-old":     {Stale, false, publisher, cmdSync},
	"page-unknown": {Stale, false, publisher, cmdSync},
	"page-changed": {Tampered, true, security, cmdSync},

	// A folder given with --wheels.
	"wheels-dir-changed": {Tampered, true, developer, cmdFetch},
	"wheels-dir-unknown": {Tampered, true, developer, cmdFetch},
	"wheels-dir-missing": {Stale, false, developer, cmdFetch},
}

// IDs lists the ids of all findings, ascending.
func IDs() []string { return slices.Sorted(maps.Keys(kinds)) }

func (k kind) finding(id, subject, what string) Finding {
	return Finding{ID: id, Class: k.class, Subject: subject, What: what, Stop: k.stop, Who: k.who, Command: k.command}
}
