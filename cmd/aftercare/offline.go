package main

import (
	"context"
	"errors"
	"log/slog"
)

// offline opens the database and a service on it for a command that does one
// thing and exits. The caller ends it.
func (f databaseFlags) offline(ctx context.Context, carrier string) (*service, error) {
	keys, err := f.readKeys()
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
