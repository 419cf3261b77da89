package api

import "net/http"

// AjarHandler is Handler with the door left open: every refusal is the verbs'.
func AjarHandler(c Config) http.Handler { return handler(c, true) }
