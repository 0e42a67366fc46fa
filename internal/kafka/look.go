package kafka

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lookTimeout bounds each question to a broker. A slower one costs only precision of what is said.
const lookTimeout = time.Second

// sight is what somebody found at an address.
type sight struct {
	kafka bool     // it answers as Kafka does
	tls   bool     // after a TLS handshake; or with kafka false, it speaks TLS but whether it is Kafka can't be told
	login []string // the SASL mechanisms that it takes, if it demands a login
	http  bool
	err   error // why nothing can be told
}

// look finds out what speaks at an address, by asking as a Kafka client does, with and without TLS, and then as a browser
// does. It sends nothing secret and checks no certificate. Where connections are taken it takes at most some 4 s.
func look(ctx context.Context, addr string) sight {
	s := ask(ctx, addr, dial)
	if s.kafka || s.http {
		return s
	}
	if by := ask(ctx, addr, dialTLS); by.kafka || by.http || by.tls {
		if !by.kafka {
			by.http = by.http || isWebServer(ctx, addr, dialTLS)
		}
		return by
	}
	s.http = isWebServer(ctx, addr, dial)
	return s
}

// dialer connects and bounds what follows.
type dialer func(ctx context.Context, addr string) (net.Conn, error)

func dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(lookTimeout))
}

func dialTLS(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	encrypted := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // Nothing is sent that the world may not see.
	if err := encrypted.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return encrypted, nil
}

func isWebServer(ctx context.Context, addr string, by dialer) bool {
	conn, err := by(ctx, addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "HEAD / HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	var answer [4]byte
	_, err = io.ReadFull(conn, answer[:])
	return err == nil && isHTTP(answer[:])
}

func isHTTP(b []byte) bool { return strings.HasPrefix(string(b), "HTTP") }

// ask connects and puts the first questions of a Kafka client.
func ask(ctx context.Context, addr string, by dialer) sight {
	conn, err := by(ctx, addr)
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok && isHTTP(header.RecordHeader[:]) {
		return sight{http: true}
	}
	if err != nil {
		return sight{err: err}
	}
	defer conn.Close()
	_, encrypted := conn.(*tls.Conn)
	versions := kmsg.NewPtrApiVersionsRequest() // of version 0, which every broker knows
	answer, err := roundTrip(conn, versions)
	if err == nil {
		err = versions.ResponseKind().ReadFrom(answer)
	}
	if err != nil {
		return sight{tls: encrypted, http: errors.Is(err, errHTTP), err: err}
	}
	s := askForLogin(conn)
	s.kafka, s.tls = true, encrypted
	return s
}

func askForLogin(conn net.Conn) sight {
	// A listener without login answers ILLEGAL_SASL_STATE, one with login tells which mechanisms it takes.
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Version, handshake.Mechanism = 1, "none"
	answer, err := roundTrip(conn, handshake)
	if err != nil {
		return sight{err: err}
	}
	mechanisms := kmsg.NewPtrSASLHandshakeResponse()
	mechanisms.Version = 1
	if err := mechanisms.ReadFrom(answer); err != nil {
		return sight{err: err}
	}
	if mechanisms.ErrorCode != kerr.UnsupportedSaslMechanism.Code {
		return sight{}
	}
	return sight{login: slices.Sorted(slices.Values(mechanisms.SupportedMechanisms))}
}

var (
	errHTTP     = errors.New("the answer is HTTP")
	errNotKafka = errors.New("the answer is not Kafka's")
)

// roundTrip sends a request and gives the body of its response.
func roundTrip(conn net.Conn, request kmsg.Request) ([]byte, error) {
	const correlation, most = 7, 1 << 20
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("skald"))
	if _, err := conn.Write(formatter.AppendRequest(nil, request, correlation)); err != nil {
		return nil, err
	}
	var head [8]byte // size, correlation ID
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	switch {
	case isHTTP(head[:]):
		return nil, errHTTP
	case size < 4 || size > most || binary.BigEndian.Uint32(head[4:]) != correlation:
		return nil, errNotKafka
	}
	body := make([]byte, size-4)
	_, err := io.ReadFull(conn, body)
	return body, err
}
