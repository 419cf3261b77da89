package api

import (
	"context"
	"net/http"
	"time"
)

// alive says that the process answers, whatever else is down.
func (s *server) alive(w http.ResponseWriter, _ *http.Request) {
	say(w, "ok")
}

// ready says whether the database answers too. Why not is in the log.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, stop := context.WithTimeout(r.Context(), 2*time.Second)
	defer stop()
	if err := s.Log.Ready(ctx); err != nil {
		s.Slog.WarnContext(ctx, "not ready", "id", requestID(ctx), "cause", err.Error())
		newProblem(http.StatusServiceUnavailable, "the database does not answer").write(w)
		return
	}
	say(w, "ready")
}

func say(w http.ResponseWriter, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(word + "\n")) // the caller may be gone
}
