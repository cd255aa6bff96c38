package saga

import (
	"context"
	"time"

	"souk.example/pkg/database"
)

// UseProcessClock has the engine go by time.Now, which synctest can turn.
func (e *Engine) UseProcessClock() {
	e.now = func(context.Context, *database.Tx) (time.Time, error) { return time.Now(), nil }
}
