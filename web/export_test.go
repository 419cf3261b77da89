package web

import "net/http"

type patterns []string

func (p *patterns) Handle(pattern string, _ http.Handler) { *p = append(*p, pattern) }

func (p *patterns) HandleFunc(pattern string, _ func(http.ResponseWriter, *http.Request)) {
	*p = append(*p, pattern)
}

// Patterns are the routes there are.
func Patterns() []string {
	var found patterns
	s := &console{Config: Config{Handsets: noHandsets{}, SSO: SSO{Issuer: "https://id.example"}}}
	s.routes(&found)
	return found
}

type noHandsets struct{ Handsets }
