package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"aftercare/internal/crypt"
)

// databaseFlags say where the data is.
type databaseFlags struct {
	DatabaseURL string `env:"AFTERCARE_DATABASE_URL" help:"The application's database address; empty: a private PostgreSQL is started."`
	WorkURL     string `env:"AFTERCARE_WORK_URL" help:"The workers' database address."`
	MigrateURL  string `env:"AFTERCARE_MIGRATE_URL" help:"The owner's database address, for migrations."`
	DataDir     string `env:"AFTERCARE_DATA_DIR" help:"Where the private PostgreSQL keeps its data."`
	PgBin       string `env:"AFTERCARE_PG_BIN" help:"The directory of initdb and postgres, when they are not found."`
	Crypto      string `env:"AFTERCARE_CRYPTO" enum:"aes,sm4" default:"aes" help:"What is sealed from now on: aes (AES-256-GCM) or sm4 (SM4-GCM). Both are read."`
}

// listenFlags say where the doors are.
type listenFlags struct {
	Listen    string `env:"AFTERCARE_LISTEN" default:"127.0.0.1:8080" help:"Where to listen."`
	PublicURL string `env:"AFTERCARE_PUBLIC_URL" help:"The address carriers call and sign, without a slash at the end."`

	TrustedProxies string `env:"AFTERCARE_TRUSTED_PROXIES" help:"Addresses and CIDR ranges whose X-Forwarded-For is believed."`
	RateAddress    int    `env:"AFTERCARE_RATE_ADDRESS" default:"100" help:"Requests a second from one address, webhooks apart; 0: no limit."`
	RateCaller     int    `env:"AFTERCARE_RATE_CALLER" default:"50" help:"Requests a second with one token or session; 0: no limit."`
}

// carrierFlags say who takes the texts. Secrets are no flags: they would stand in
// the process list.
type carrierFlags struct {
	Carrier                   string `env:"AFTERCARE_CARRIER" help:"twilio or aliyun; there is no default."`
	TwilioAccountSID          string `name:"twilio-account-sid" env:"AFTERCARE_TWILIO_ACCOUNT_SID"`
	TwilioFrom                string `name:"twilio-from" env:"AFTERCARE_TWILIO_FROM"`
	TwilioMessagingServiceSID string `name:"twilio-messaging-service-sid" env:"AFTERCARE_TWILIO_MESSAGING_SERVICE_SID"`
	TwilioAPIURL              string `name:"twilio-api-url" env:"AFTERCARE_TWILIO_API_URL" help:"Another base address for the REST API."`
	AliyunAccessKeyID         string `name:"aliyun-access-key-id" env:"AFTERCARE_ALIYUN_ACCESS_KEY_ID"`
	AliyunSignName            string `name:"aliyun-sign-name" env:"AFTERCARE_ALIYUN_SIGN_NAME" help:"The approved signature, as in the console."`
	AliyunAPIURL              string `name:"aliyun-api-url" env:"AFTERCARE_ALIYUN_API_URL" help:"Another base address for the API."`
	AliyunTrust               string `name:"aliyun-trust" env:"AFTERCARE_ALIYUN_TRUST" help:"What makes its unsigned pushes trusted: header (a secret the proxy sets), addresses, or pull (no push is taken)."`
	AliyunPushAddresses       string `name:"aliyun-push-addresses" env:"AFTERCARE_ALIYUN_PUSH_ADDRESSES" help:"With --aliyun-trust=addresses: the addresses and CIDR ranges pushes come from."`
}

// secret reads NAME, or the file that NAME_FILE names.
func secret(name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	path := os.Getenv(name + "_FILE")
	if path == "" {
		return "", nil
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(body)), nil
}

// readKeys reads the master and index keys and reports every problem together.
func (f databaseFlags) readKeys() (*crypt.Keyring, error) {
	master, masterErr := secret("AFTERCARE_MASTER_KEY")
	index, indexErr := secret("AFTERCARE_INDEX_KEY")
	if err := errors.Join(masterErr, indexErr); err != nil {
		return nil, err
	}
	if master == "" || index == "" {
		return nil, errors.New("AFTERCARE_MASTER_KEY and AFTERCARE_INDEX_KEY are not set: make them once with `aftercare keys` and keep a copy apart from the database")
	}
	keys, err := crypt.NewKeyring(master, index)
	if err != nil {
		return nil, err
	}
	return f.sealing(keys)
}

// sealing has the keys seal as the settings say.
func (f databaseFlags) sealing(keys *crypt.Keyring) (*crypt.Keyring, error) {
	suite, err := crypt.ParseSuite(f.Crypto)
	if err != nil {
		return nil, fmt.Errorf("AFTERCARE_CRYPTO: %w", err)
	}
	return keys.Sealing(suite), nil
}

// dataDir is where a private PostgreSQL lives.
func (f databaseFlags) dataDir() (string, error) {
	if f.DataDir != "" {
		return filepath.Abs(f.DataDir)
	}
	if os.Geteuid() == 0 {
		return "/var/lib/aftercare", nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a data directory (set AFTERCARE_DATA_DIR): %w", err)
	}
	return filepath.Join(cmp.Or(os.Getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share")), "aftercare"), nil
}

// publicURL is what carriers call; where none is set, the listening address.
func (f listenFlags) publicURL(listening string) (string, error) {
	if f.PublicURL == "" {
		return "http://" + listening, nil
	}
	u, err := url.Parse(f.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", errors.New("AFTERCARE_PUBLIC_URL must be an http or https address such as https://aftercare.example")
	}
	return strings.TrimRight(f.PublicURL, "/"), nil
}

func newLogger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
