package api_test

import (
	"testing"

	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/api"
)

func TestUsersAskUnderTheirOwnName(t *testing.T) {
	if got := api.By(access.With(t.Context(), access.Who{Name: "ada"}), "bo"); got != "ada" {
		t.Errorf("ada asks as %q", got)
	}
	if got := api.By(access.With(t.Context(), access.Who{Role: access.Operator}), "bo"); got != "bo" {
		t.Errorf("bo, whom nobody knows, asks as %q", got)
	}
}
