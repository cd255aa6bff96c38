package httpserver

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// logged writes one line per request, but for those shed. It holds no personal data: no address,
// no path (paths hold ids), no header, no body.
func logged(logger *slog.Logger, which string) gin.HandlerFunc {
	least := map[string]int{"all": 0, "errors": http.StatusInternalServerError}[which]
	return func(c *gin.Context) {
		r := requestOf(c)
		defer func() { // a handler that panics is logged too
			if status := c.Writer.Status(); status >= least && !r.shed {
				logRequest(c, logger, status, time.Since(r.start))
			}
		}()
		c.Next()
	}
}

func logRequest(c *gin.Context, logger *slog.Logger, status int, took time.Duration) {
	ctx := c.Request.Context()
	logger.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("method", method(c)),
		slog.String("route", route(c)),
		slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1e3),
		slog.Int("bytes", max(0, c.Writer.Size())),
		slog.String("request_id", RequestIDFrom(ctx)),
	)
}
