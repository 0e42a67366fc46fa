package access_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"github.com/skald-saga/skald/internal/console/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password, token = "correct horse", "0123456789abcdefghijklmnop"

// people are ada, who looks and acts; bo, who looks; and the program ci.
var people = sync.OnceValue(func() *access.Users {
	var file strings.Builder
	for name, role := range map[string]access.Role{"ada": access.Operator, "bo": access.Viewer} {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost) // the race detector makes bcrypt very slow
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&file, "- {name: %s, role: %s, password: %s}\n", name, role, hash)
	}
	line, err := access.TokenLine("ci", access.Viewer, token)
	if err != nil {
		panic(err)
	}
	file.WriteString(line)
	users, err := access.Parse([]byte(file.String()))
	if err != nil {
		panic(err)
	}
	return users
})

type asked struct {
	method, path, from string
	authorization      func(*http.Request)
}

func basic(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func header(value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", value) }
}

func ask(h http.Handler, a asked) *httptest.ResponseRecorder {
	r := httptest.NewRequest(a.method, a.path, http.NoBody)
	r.RemoteAddr = "192.0.2.1:4711"
	if a.from != "" {
		r.RemoteAddr = a.from
	}
	if a.authorization != nil {
		a.authorization(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// gate answers with who was let in.
func gate(users *access.Users, log *bytes.Buffer) http.Handler {
	return access.NewGate(users, slog.New(slog.NewTextHandler(log, nil))).Handler(access.OnlyOperators(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%+v", access.Of(r.Context()))
	})))
}

func TestWhoIsLetIn(t *testing.T) {
	var log bytes.Buffer
	h := gate(people(), &log)
	for name, test := range map[string]struct {
		asked
		status int
		says   string
	}{
		"nobody":                  {asked{"GET", "/", "", nil}, 401, "say who you are"},
		"nobody asks for health":  {asked{"GET", "/healthz", "", nil}, 200, "{Name: Role: From:192.0.2.1}"},
		"nobody asks for metrics": {asked{"GET", "/metrics", "", nil}, 401, "say who you are"},
		"nobody posts to health":  {asked{"POST", "/healthz", "", nil}, 403, "this needs the role operator"},
		"a viewer looks":          {asked{"GET", "/", "", basic("bo", password)}, 200, "{Name:bo Role:viewer From:192.0.2.1}"},
		"a viewer acts":           {asked{"POST", "/", "", basic("bo", password)}, 403, "needs the role operator, and bo is a viewer"},
		"a viewer puts":           {asked{"PUT", "/", "", basic("bo", password)}, 403, "needs the role operator"},
		"an operator acts":        {asked{"POST", "/", "", basic("ada", password)}, 200, "{Name:ada Role:operator From:192.0.2.1}"},
		"a program looks":         {asked{"GET", "/", "", header("bearer " + token)}, 200, "{Name:ci Role:viewer From:192.0.2.1}"},
		"a wrong password":        {asked{"GET", "/", "", basic("ada", "correct")}, 401, "are wrong"},
		"an empty password":       {asked{"GET", "/", "", basic("ada", "")}, 401, "are wrong"},
		"a token as a password":   {asked{"GET", "/", "", basic("ci", token)}, 401, "are wrong"},
		"an unknown name":         {asked{"GET", "/", "", basic(password, password)}, 401, "are wrong"},
		"a longer password":       {asked{"GET", "/", "", basic("ada", password+strings.Repeat("x", 100))}, 401, "are wrong"},
		"a wrong token":           {asked{"GET", "/", "", header("Bearer " + token + "x")}, 401, "are wrong"},
		"no token":                {asked{"GET", "/", "", header("Bearer")}, 401, "are wrong"},
		"another scheme":          {asked{"GET", "/", "", header("Digest username=ada")}, 401, "say who you are"},
		"garbled":                 {asked{"GET", "/", "", header("Basic %%%")}, 401, "say who you are"},
	} {
		w := ask(h, test.asked)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
			t.Errorf("%s: %d %s, want %d, %s", name, w.Code, w.Body, test.status, test.says)
		}
		if challenge := fmt.Sprint(w.Header().Values("WWW-Authenticate")); (w.Code == 401) != (strings.Contains(challenge, "Basic realm=") && strings.Contains(challenge, "Bearer")) {
			t.Errorf("%s: %d with %s", name, w.Code, challenge)
		}
	}
	if said := log.String(); !strings.Contains(said, "from=192.0.2.1 user=ada") || strings.Contains(said, "correct") || strings.Contains(said, token) {
		t.Errorf("the log: %s", said)
	}
}

func TestWithoutUsersEverybodyIsAnOperator(t *testing.T) {
	if w := ask(gate(nil, &bytes.Buffer{}), asked{"POST", "/", "[::1]:4711", nil}); w.Code != 200 || w.Body.String() != "{Name: Role:operator From:::1}" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestGuessingIsSlow(t *testing.T) {
	users := people()
	synctest.Test(t, func(t *testing.T) {
		h := gate(users, &bytes.Buffer{})
		right, wrong := asked{"GET", "/", "", basic("ada", password)}, asked{"GET", "/", "", header("Bearer nonsense")}
		late := asked{"GET", "/", "", basic("bo", password)}
		if w := ask(h, right); w.Code != 200 {
			t.Fatal(w.Code)
		}
		for i := range 10 {
			if w := ask(h, wrong); w.Code != 401 {
				t.Fatalf("guess %d: %d", i, w.Code)
			}
		}
		for range 3 {
			if w := ask(h, wrong); w.Code != 429 || w.Header().Get("Retry-After") != "11" || !strings.Contains(w.Body.String(), "try again in 11 s") {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		}
		if w := ask(h, right); w.Code != 200 {
			t.Errorf("who was let in before is not: %d", w.Code)
		}
		if w := ask(h, late); w.Code != 429 {
			t.Errorf("a right guess after ten wrong ones: %d", w.Code)
		}
		wrong.from = "192.0.2.2:1"
		if w := ask(h, wrong); w.Code != 401 {
			t.Errorf("from elsewhere: %d", w.Code)
		}
		time.Sleep(10 * time.Second)
		if w := ask(h, late); w.Code != 200 {
			t.Errorf("after ten seconds: %d", w.Code)
		}
	})
}

func TestAddressesOfOneNetworkGuessTogether(t *testing.T) {
	h := gate(people(), &bytes.Buffer{})
	for i := range 10 {
		ask(h, asked{"GET", "/", fmt.Sprintf("[2001:db8::%x]:1", i), header("Bearer nonsense")})
	}
	if w := ask(h, asked{"GET", "/", "[2001:db8::ffff]:1", header("Bearer nonsense")}); w.Code != 429 {
		t.Error(w.Code)
	}
	// However many networks guess, what is remembered of them is bounded: those beyond share one account.
	codes := map[int]int{}
	for i := range 10_100 {
		codes[ask(h, asked{"GET", "/", fmt.Sprintf("[2001:db8:%x::1]:1", i+1), header("Bearer nonsense")}).Code]++
	}
	if codes[401] != 9_999+10 || codes[429] != 91 {
		t.Errorf("%v", codes)
	}
}

func TestUserFilesThatAreWrong(t *testing.T) {
	hash := "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	for file, want := range map[string]string{
		"":                                    "names no user",
		"[]":                                  "names no user",
		"ada: secret":                         "a list of users is expected",
		"- name: ada\n  pass: secret":         "a list of users is expected",
		"- role: viewer\n  password: " + hash: "a name without a colon",
		"- name: a:b\n  role: viewer\n  password: " + hash:                       "a name without a colon",
		"- name: ada\n  role: admin\n  password: " + hash:                        `the role "admin" isn't known: viewer and operator are`,
		"- name: ada\n  role: viewer":                                            "password or token is needed",
		"- name: ada\n  role: viewer\n  password: secret":                        "isn't a bcrypt hash",
		"- name: ada\n  role: viewer\n  token: sha256:12":                        "token isn't sha256:",
		strings.Repeat("- name: ada\n  role: viewer\n  password: "+hash+"\n", 2): `"ada" is there twice`,
	} {
		if _, err := access.Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
	}
	if line, err := access.Line("ada", access.Viewer, "s3cret"); err != nil || !strings.HasPrefix(line, "- name: ada\n  role: viewer\n  password: $2a$10$") {
		t.Errorf("%q %v", line, err)
	}
	if _, err := access.Line("ada", access.Viewer, strings.Repeat("x", 73)); err == nil {
		t.Error("a password is cut")
	}
	if _, err := access.Load(t.TempDir() + "/gone"); err == nil {
		t.Error("no file is no error")
	}
}
