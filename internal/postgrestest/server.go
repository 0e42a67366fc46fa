package postgrestest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

const (
	startTimeout  = time.Minute
	folderPattern = "skald-postgres-"

	// Password is the user's. It's a word that stands in no message by chance.
	Password = "s3cret-of-the-test"
)

// Server is a PostgreSQL on this machine.
type Server struct {
	Addr string

	dir      string
	postgres string // the program
	owner    *syscall.Credential
	process  *exec.Cmd
	exited   chan struct{}
	kept     bool // its data stays when it's stopped
}

// NewServer makes a server and returns when it answers. Stop it.
func NewServer() (*Server, error) {
	s, initdb, err := installed()
	if err != nil {
		return nil, err
	}
	sweep()
	if s.dir, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPattern, os.Getpid())); err != nil {
		return nil, err
	}
	return s.began(s.create(initdb))
}

// Kept makes a server whose data stays in a folder when it's stopped, or goes on with what is there. For benchmarks: filling a large
// database takes longer than asking it.
func Kept(dir string) (*Server, error) {
	s, initdb, err := installed()
	if err != nil {
		return nil, err
	}
	s.dir, s.kept = dir, true
	return s.began(s.goOn(initdb))
}

// installed finds the programs, and who may run them.
func installed() (s *Server, initdb string, err error) {
	s = &Server{}
	if initdb, err = program("initdb"); err != nil {
		return nil, "", err
	}
	if s.postgres, err = program("postgres"); err != nil {
		return nil, "", err
	}
	s.owner, err = unprivileged()
	return s, initdb, err
}

// began stops a server that couldn't be made.
func (s *Server) began(err error) (*Server, error) {
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// goOn starts a kept server with the data that is there, or makes it.
func (s *Server) goOn(initdb string) (err error) {
	if _, err := os.Stat(filepath.Join(s.dir, "data", "PG_VERSION")); err != nil {
		if err := os.MkdirAll(s.dir, 0o755); err != nil { //nolint:gosec // the server runs as another user
			return err
		}
		return s.create(initdb)
	}
	if s.Addr, err = freeAddr(); err != nil {
		return err
	}
	return s.Start()
}

func (s *Server) create(initdb string) (err error) {
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(Password), 0o600); err != nil {
		return err
	}
	if s.owner != nil {
		for _, path := range []string{s.dir, password} {
			if err := os.Chown(path, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
				return err
			}
		}
	}
	create := exec.Command(initdb, "--pgdata="+filepath.Join(s.dir, "data"), "--username=skald", "--pwfile="+password, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	create.Dir, create.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: s.owner}
	if out, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if s.Addr, err = freeAddr(); err != nil {
		return err
	}
	return s.Start()
}

// Start starts the process again, after Kill, and returns when it answers.
func (s *Server) Start() error {
	output, err := os.Create(s.output())
	if err != nil {
		return err
	}
	defer output.Close()
	_, port, _ := net.SplitHostPort(s.Addr)
	// What a power cut would need is left out: nothing has to survive one.
	s.process = exec.Command(s.postgres, "-D", filepath.Join(s.dir, "data"), "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=128MB", "-c", "max_connections=100")
	// The signal comes when the *thread* that started the process ends, so that thread is kept until the process has ended.
	s.process.Dir, s.process.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
	s.process.Stdout, s.process.Stderr = output, output
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := s.process.Start()
		started <- err
		if err == nil {
			_ = s.process.Wait() // ended on purpose, so its error says nothing
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.exited = exited
	return s.await()
}

// Kill ends the server at once. Its data stays.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) } // which its children get, too

func (s *Server) end(signal syscall.Signal) {
	if s.exited != nil {
		_ = s.process.Process.Signal(signal)
		<-s.exited
	}
}

func (s *Server) await() error {
	db, err := sql.Open("pgx", s.DSN(nil))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			said, _ := os.ReadFile(s.output())
			return fmt.Errorf("postgres ended at once:\n%s", said)
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer at %s: %w", s.Addr, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// DSN is the address of the server's database, with parameters.
func (s *Server) DSN(parameters url.Values) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("skald", Password), Host: s.Addr, Path: "/postgres", RawQuery: parameters.Encode()}
	return u.String()
}

// Stop ends the server and removes its data, unless that is kept.
func (s *Server) Stop() {
	if s.kept {
		s.end(syscall.SIGINT) // which writes all of it
		return
	}
	s.Kill()
	_ = os.RemoveAll(s.dir) // else the next run does it
}

func (s *Server) output() string { return filepath.Join(s.dir, "output.log") }

// program finds one of PostgreSQL's, where Debian puts them or on the PATH.
func program(name string) (string, error) {
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(all) > 0 {
		return all[len(all)-1], nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("there is no %s here (Debian: apt-get install postgresql)", name)
	}
	return path, nil
}

// unprivileged is who the server runs as: PostgreSQL refuses root. nil means whoever runs the tests.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // that is what nil means here
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// sweep removes the folders of test binaries that were killed.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPattern+"*"))
	for _, dir := range dirs {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), folderPattern+"%d-", &pid); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
}
