package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/doctor"
	"github.com/skald-saga/skald/internal/tracker/store"
)

const storeCheck = "store"

// folderCheck examines the services' SQLite files, and whether there is a place for them.
func folderCheck(folder string) doctor.Check {
	return doctor.Check{Name: storeCheck, Run: func(ctx context.Context) []doctor.Finding {
		info, err := os.Stat(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return []doctor.Finding{{Check: storeCheck, Severity: doctor.OK, Text: "there is no folder " + folder + " yet: skald run makes it"}}
		case err == nil && !info.IsDir():
			err = errors.New(folder + " is no folder")
		}
		if err == nil {
			err = writable(folder)
		}
		if err != nil {
			return []doctor.Finding{{
				Check: storeCheck, Severity: doctor.Problem, Text: fmt.Sprintf("services can't keep anything in %s: %v", folder, err),
				Fix: "let this user write there, or name another folder by --data",
			}}
		}
		var findings []doctor.Finding
		for _, service := range serviceNames {
			file := filepath.Join(folder, service+".db")
			if _, err := os.Stat(file); err == nil {
				findings = append(findings, examineFile(ctx, storeCheck, file, "stop the service and restore the file from a backup"))
			}
		}
		if len(findings) == 0 {
			findings = append(findings, doctor.Finding{Check: storeCheck, Severity: doctor.OK, Text: folder + " is empty, and can be written to"})
		}
		return findings
	}}
}

func writable(folder string) error {
	f, err := os.CreateTemp(folder, ".skald-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// examineFile lets SQLite look through one of its files, beside whoever uses it.
func examineFile(ctx context.Context, check, file, fix string) doctor.Finding {
	query := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(5000)"}} // a missing file is not to be made
	db, err := sql.Open("sqlite", "file:"+file+"?"+query.Encode())
	if err == nil {
		defer db.Close()
		var verdict string
		if err = db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err == nil && verdict != "ok" {
			err = errors.New(strings.ReplaceAll(verdict, "\n", "; "))
		}
	}
	if err != nil {
		return doctor.Finding{Check: check, Severity: doctor.Problem, Text: fmt.Sprintf("%s is damaged or can't be read: %v", file, err), Fix: fix}
	}
	return doctor.Finding{Check: check, Severity: doctor.OK, Text: file + " is sound"}
}

// examineServer asks a PostgreSQL server whether it lets the tracker in.
func examineServer(ctx context.Context, check, dsn string) doctor.Finding {
	name, err := store.Ping(ctx, dsn)
	if err != nil {
		return doctor.Finding{Check: check, Severity: doctor.Problem, Text: err.Error(), Fix: "start the server, or correct --db (its password: SKALD_DB or PGPASSWORD)"}
	}
	return doctor.Finding{Check: check, Severity: doctor.OK, Text: name + " answers"}
}

// portCheck wants that an address is free, or that Skald itself has it.
func portCheck(name, addr, path, fix string) doctor.Check {
	free := doctor.Free(name, addr, fix)
	return doctor.Check{Name: name, Run: func(ctx context.Context) []doctor.Finding {
		findings := free.Run(ctx)
		if findings[0].Severity == doctor.OK || !answers(ctx, "http://"+addr+path) {
			return findings
		}
		return []doctor.Finding{{Check: name, Severity: doctor.OK, Text: addr + " is taken, by Skald as it seems: " + path + " answers"}}
	}}
}

func answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
