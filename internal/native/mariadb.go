package native

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
)

// admin is the database account that may do everything.
const admin = "admin"

type mariadbEngine struct {
	dir       string
	at        place
	passwords passwords
}

func (m *mariadbEngine) name() Name        { return MariaDB }
func (m *mariadbEngine) ports() []int      { return []int{m.at.bound} }
func (m *mariadbEngine) port() int         { return m.at.told }
func (m *mariadbEngine) missing() []string { return missingPrograms("mariadbd", installer) }
func (m *mariadbEngine) data() string      { return filepath.Join(m.dir, "data") }
func (m *mariadbEngine) temp() string      { return filepath.Join(m.dir, "tmp") }
func (m *mariadbEngine) config() string    { return filepath.Join(m.dir, "mariadb.cnf") }
func (m *mariadbEngine) initFile() string  { return filepath.Join(m.dir, "init.sql") }

func (m *mariadbEngine) prepare(ctx context.Context) error {
	if err := os.MkdirAll(m.temp(), 0o700); err != nil {
		return err
	}
	if err := m.writeConfig(); err != nil {
		return err
	}
	who, err := serverAccount(m.data())
	if err != nil {
		return err
	}
	if err := who.own(m.dir, m.temp(), m.config(), m.initFile()); err != nil {
		return err
	}
	return m.install(ctx, who)
}

func (m *mariadbEngine) writeConfig() error {
	password, err := m.passwords.ensure(admin)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.initFile(), []byte(initSQL(password)), 0o600); err != nil {
		return err
	}
	return render("mariadb.cnf", m.config(), places{
		"Port": m.at.bound, "Data": m.data(), "Temp": m.temp(), "InitFile": m.initFile(),
	})
}

// initSQL is run at every start, before anyone can connect, so that the account
// has the password in the key file even when that was made anew. The server
// reads one statement per line.
func initSQL(password config.Secret) string {
	return accountSQL(admin, password, "CREATE USER IF NOT EXISTS") + ";\n" +
		accountSQL(admin, password, "ALTER USER") + ";\n" +
		"GRANT ALL PRIVILEGES ON *.* TO '" + admin + "'@'127.0.0.1' WITH GRANT OPTION;\n"
}

// accountSQL needs no quoting: see checkName and passwords.
func accountSQL(user string, password config.Secret, verb string) string {
	return fmt.Sprintf("%s '%s'@'127.0.0.1' IDENTIFIED BY '%s'", verb, user, password.Reveal())
}

// installer makes a data directory.
const installer = "mariadb-install-db"

// install makes the data directory, once and whole: it gets its name last. Its
// root account is reached by a socket only, and the server opens none.
func (m *mariadbEngine) install(ctx context.Context, who account) error {
	if _, err := os.Stat(m.data()); err == nil {
		return nil
	}
	partial := m.data() + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program(installer), "--no-defaults", "--datadir="+partial,
		"--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve")
	cmd.Dir = m.dir
	cmd.Env = append(cmd.Environ(), "TMPDIR="+m.temp())
	who.run(cmd)
	if err := runOnce(cmd); err != nil {
		return err
	}
	return os.Rename(partial, m.data())
}

func (m *mariadbEngine) command() *exec.Cmd {
	cmd := exec.Command(program("mariadbd"), "--defaults-file="+m.config())
	cmd.Dir = m.dir
	who, err := serverAccount(m.data())
	if err != nil {
		cmd.Err = err
		return cmd
	}
	who.run(cmd)
	if who.isRoot() {
		cmd.Args = append(cmd.Args, "--user=root") // said on purpose, or it refuses
	}
	return cmd
}

func (m *mariadbEngine) ping(ctx context.Context) error {
	db, err := m.open(ctx)
	if err != nil {
		return err
	}
	return db.Close()
}

// open connects as the administrator, to no database.
func (m *mariadbEngine) open(ctx context.Context) (*database.DB, error) {
	dsn, err := m.dsn(admin, "", m.at.bound)
	if err != nil {
		return nil, err
	}
	return database.Open(ctx, database.Config{DSN: dsn, MaxOpen: 1})
}

func (m *mariadbEngine) dsn(user, databaseName string, port int) (config.Secret, error) {
	password, err := m.passwords.load(user)
	if err != nil {
		return "", err
	}
	return config.Secret(fmt.Sprintf("mysql:%s:%s@tcp(%s)/%s", user, password.Reveal(), loopback(port), databaseName)), nil
}
