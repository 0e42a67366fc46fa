package kafka

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// repeatEvery is how often the same message is let through: a client that can't
// reach its broker says so several times a second.
const repeatEvery = 10 * time.Second

// clientLogger passes a client's warnings and errors on to slog. What franz-go
// calls info is everyday life of a group, and stays out.
type clientLogger struct {
	logger *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time // by message; franz-go's are constants, so they are few
}

func (*clientLogger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l *clientLogger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelWarn
	if level == kgo.LogLevelError {
		to = slog.LevelError
	}
	if l.due(msg, time.Now()) {
		l.logger.Log(context.Background(), to, "kafka client: "+msg, keyvals...)
	}
}

func (l *clientLogger) due(msg string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.last[msg]; ok && now.Sub(last) < repeatEvery {
		return false
	}
	if l.last == nil {
		l.last = make(map[string]time.Time)
	}
	l.last[msg] = now
	return true
}

// warn says something by the client's own logger, for functions that are given only the client.
func warn(cl *kgo.Client, msg string, keyvals ...any) {
	if logger, ok := cl.OptValue(kgo.WithLogger).(kgo.Logger); ok && logger != nil {
		logger.Log(kgo.LogLevelWarn, msg, keyvals...)
	}
}
