package authorizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/cedar-policy/cedar-go"

	"github.com/skald-saga/skald/services/events"
)

const maxDocument = 1 << 20

// rules are one version of the policies, ready to be asked.
type rules struct {
	policies *cedar.PolicySet
	actions  []string // the entitlements, in the order of the file
	failed   sync.Map // policies whose failing was logged
}

// firstError says whether it is the policy's first one: it fails for every user, and one line in the log is enough.
func (r *rules) firstError(e cedar.DiagnosticError) bool {
	_, known := r.failed.LoadOrStore(e.PolicyID, true)
	return !known
}

func readDocument(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading policies: %w", err)
	}
	defer file.Close()
	document, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err != nil {
		return "", fmt.Errorf("reading policies: %w", err)
	}
	if len(document) > maxDocument {
		return "", fmt.Errorf("policies in %s: the file is larger than %d bytes", path, maxDocument)
	}
	return string(document), nil
}

// parse refuses a document without policies, as that is how a file looks while an editor is about to write it.
func parse(path, document string) (*rules, error) {
	if path == "" {
		path = "policies.cedar"
	}
	list, err := cedar.NewPolicyListFromBytes(path, []byte(document))
	if err != nil {
		// Cedar's parser doesn't know the file's name, only the place in it.
		problem := strings.TrimPrefix(err.Error(), "parser error: ")
		return nil, fmt.Errorf("policies: %s", strings.Replace(problem, "<input>", path, 1))
	}
	r := &rules{policies: cedar.NewPolicySet()}
	for i, policy := range list {
		r.policies.Add(cedar.PolicyID(fmt.Sprintf("policy%d", i)), policy)
		named, err := actionsOf(policy)
		if err != nil {
			return nil, fmt.Errorf("policies: %s:%d: %w", path, policy.Position().Line, err)
		}
		for _, action := range named {
			if !slices.Contains(r.actions, action) {
				r.actions = append(r.actions, action)
			}
		}
	}
	if len(r.actions) == 0 || len(r.actions) > events.MaxGrants {
		return nil, fmt.Errorf("policies: %s names %d actions in the heads of its policies: 1 to %d are wanted, as they are what can be granted",
			path, len(r.actions), events.MaxGrants)
	}
	return r, nil
}

// actionsOf gives the actions that a policy names in its head. It reads them from the policy's JSON, whose format is
// Cedar's own standard, as the library's syntax tree is experimental.
func actionsOf(policy *cedar.Policy) ([]string, error) {
	encoded, err := policy.MarshalJSON()
	if err != nil {
		return nil, err
	}
	type entity struct {
		ID string `json:"id"`
	}
	var head struct {
		Action struct {
			Entity   *entity  `json:"entity"`
			Entities []entity `json:"entities"`
		} `json:"action"`
	}
	if err := json.Unmarshal(encoded, &head); err != nil {
		return nil, err
	}
	named := head.Action.Entities
	if head.Action.Entity != nil {
		named = append(named, *head.Action.Entity)
	}
	var actions []string
	for _, action := range named {
		if strings.TrimSpace(action.ID) == "" || strings.ContainsFunc(action.ID, unicode.IsControl) {
			return nil, errors.New("an action's name must not be empty or have control characters in it")
		}
		actions = append(actions, action.ID)
	}
	return actions, nil
}
