package main

import (
	"context"
	"errors"
	"log/slog"

	"aftercare/carelog"
)

// offline opens the database and a service on it for a command that does one
// thing and exits. The caller ends it.
func (f databaseFlags) offline(ctx context.Context, carrier string) (*service, error) {
	keys, err := readKeys()
	if err != nil {
		return nil, err
	}
	log := newLogger(slog.LevelWarn)
	dir, err := f.dataDir()
	if err != nil {
		return nil, err
	}
	db, err := f.openDatabase(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.close(ctx))
	}
	s, err := newService(ctx, serviceConfig{db: db, keys: keys, carrier: carrier, log: log})
	if err != nil {
		return nil, errors.Join(err, db.close(ctx))
	}
	return s, nil
}

// end closes an offline service and its private server.
func (s *service) end(ctx context.Context) error {
	s.close()
	return s.config.db.close(ctx)
}

// actorOf signs a person in for the length of a command: what they do is theirs
// in the histories, with the rights they have.
func (s *service) actorOf(ctx context.Context, login string) (carelog.Actor, error) {
	system := carelog.TheSystem()
	user, err := s.work.UserByLogin(ctx, system, login)
	if err != nil {
		return carelog.Actor{}, err
	}
	token, err := s.work.IssueToken(ctx, system, user, carelog.SessionToken, "command line", s.work.Now().AddDate(0, 0, 1))
	if err != nil {
		return carelog.Actor{}, err
	}
	return s.door.Authenticate(ctx, token)
}
