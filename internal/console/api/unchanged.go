//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Unchanged is what a client says that it has.
type Unchanged struct {
	IfNoneMatch []string `header:"If-None-Match" doc:"ETags of former answers: 304 if this one would be the same"`
}

// since answers with 304 if the client has what has this tag.
func (u Unchanged) since(tag string) error {
	had := func(other string) bool {
		other = strings.TrimSpace(other)
		return other == "*" || strings.TrimPrefix(other, "W/") == strings.TrimPrefix(tag, "W/")
	}
	if slices.ContainsFunc(u.IfNoneMatch, had) {
		return &unchanged{tag}
	}
	return nil
}

// tagOf makes an ETag of a position of the live stream. It's a weak one: times so far grow with the clock.
func tagOf(seq int64) string { return fmt.Sprintf(`W/"%d"`, seq) }

// unchanged is the answer 304, which has no body.
type unchanged struct{ tag string }

func (*unchanged) Error() string                       { return http.StatusText(http.StatusNotModified) }
func (*unchanged) GetStatus() int                      { return http.StatusNotModified }
func (u *unchanged) GetHeaders() http.Header           { return http.Header{"Etag": {u.tag}} }
func (*unchanged) ContentType(string) string           { return "" }
func (*unchanged) MarshalJSON() (none []byte, _ error) { return []byte("null"), nil }

// alsoUnchanged documents the status 304 beside 200.
func alsoUnchanged() map[string]*huma.Response {
	return map[string]*huma.Response{"304": {Description: "The client has it already"}}
}
