package mailbox

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var mails = []struct {
	name, raw string
	want      Mail
}{
	{
		"encoded", `From: "The Company" <onboarding@example.com>
To: =?utf-8?q?Edda_Nystr=C3=B6m?= <edda@example.com>
Message-ID: <1@example.com>
Subject: =?utf-8?q?Welcome,_Edda:_your_Nordbook_16_is?=
 =?utf-8?q?_waiting?=
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

Dear Edda,=20
Nystr=C3=B6m
`, Mail{
			MessageID: "1@example.com", From: "onboarding@example.com", ToName: "Edda Nyström",
			Subject: "Welcome, Edda: your Nordbook 16 is waiting", Text: "Dear Edda, \nNyström\n",
		},
	},
	{"base64", "Content-Transfer-Encoding: BASE64\n\nSGVsbG8s\nIEVkZGE=\n", Mail{Text: "Hello, Edda"}},
	{"only a header", "Subject: Hello\n\n", Mail{Subject: "Hello"}},
	{"no header", "just a line", Mail{Text: "just a line"}},
	{"nothing", "", Mail{}},
	{
		"several parts", `Content-Type: multipart/mixed; boundary=A

preamble
--A
Content-Type: multipart/alternative; boundary=B

--B
Content-Type: text/html

<p>Hello</p>
--B
Content-Type: text/plain
Content-Transfer-Encoding: quoted-printable

H=65llo
--B--
--A
Content-Type: image/png

x
--A--
`, Mail{Text: "Hello"},
	},
	{"no text at all", "Content-Type: image/png\n\n\x89PNG", Mail{}},
	{"parts without a boundary", "Content-Type: multipart/mixed\n\n--A\n\nHi\n", Mail{}},
	{"unknown word encoding", "Subject: =?klingon?q?nuqneH?=\n\nHi", Mail{Subject: "=?klingon?q?nuqneH?=", Text: "Hi"}},
	{"not UTF-8", "Subject: \xff\xfe\n\nH\xffi", Mail{Subject: "�", Text: "H�i"}},
	{"another recipient in the header", "To: Bo <bo@example.com>\n\nHi", Mail{Text: "Hi"}},
	{"name of another case", "To: Edda <Edda@Example.com>\n\nHi", Mail{ToName: "Edda", Text: "Hi"}},
	{
		"far too long", "Subject: " + strings.Repeat("s", 2*maxHeader) + "\n\n" + strings.Repeat("ä", maxText),
		Mail{Subject: strings.Repeat("s", maxHeader), Text: strings.Repeat("ä", maxText/2)},
	},
}

func TestParse(t *testing.T) {
	for _, tc := range mails {
		t.Run(tc.name, func(t *testing.T) {
			want := tc.want
			want.To = "edda@example.com"
			if want.From == "" {
				want.From = "bounce@example.com"
			}
			raw := strings.ReplaceAll(tc.raw, "\n", "\r\n")
			got := parse([]byte(raw), "bounce@example.com", []string{"edda@example.com"})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("mail (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever comes, it is read without a panic, and is text that a page can show.
func FuzzParse(f *testing.F) {
	for _, tc := range mails {
		f.Add([]byte(strings.ReplaceAll(tc.raw, "\n", "\r\n")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := parse(raw, "bounce@example.com", []string{"edda@example.com"})
		for _, s := range []string{got.MessageID, got.From, got.To, got.ToName, got.Subject, got.Text} {
			if !utf8.ValidString(s) || len(s) > 3*maxText {
				t.Errorf("%d bytes, valid UTF-8: %t", len(s), utf8.ValidString(s))
			}
		}
	})
}
