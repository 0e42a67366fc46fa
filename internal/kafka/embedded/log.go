package embedded

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// kfakeLogger passes kfake's words on to slog, one level quieter where kfake
// calls everyday life of a group "info".
type kfakeLogger struct{ logger *slog.Logger }

func (l kfakeLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	var to slog.Level
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	case kfake.LogLevelInfo:
		to = slog.LevelDebug
	default:
		return
	}
	ctx := context.Background()
	if l.logger.Enabled(ctx, to) {
		l.logger.Log(ctx, to, "embedded broker: "+fmt.Sprintf(format, args...))
	}
}
