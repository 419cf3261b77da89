package api_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const ledgerHeader = "外部编号,姓名,手机号,乡镇,村居,救助金额(元),发放日期,承办人\n"

// form is an upload of a ledger and further fields, names and values in turn.
func form(t *testing.T, file string, fields ...string) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		require.NoError(t, w.WriteField(fields[i], fields[i+1]))
	}
	if file != "" {
		part, err := w.CreateFormFile("file", "county.csv")
		require.NoError(t, err)
		_, err = part.Write([]byte(file))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes(), w.FormDataContentType()
}

func TestImportLedger(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	good := ledgerHeader +
		"YY-1,马某某,15400000001,南麻街道,柿岭村,8000,2026-09-20,li\n" +
		"YY-2,夏某某,,历山街道,东园社区,5000,2026-10-08,li\n"
	upload := func(file string, fields ...string) reply {
		body, kind := form(t, file, fields...)
		return c.post("/v1/imports", body, "Content-Type", kind)
	}

	t.Run("TakesNoFileFromWhoMayNotImport", func(t *testing.T) {
		body, kind := form(t, good)
		c.send(c.admin, http.MethodPost, "/v1/imports", body, "Content-Type", kind).requireProblem(http.StatusForbidden)
	})
	t.Run("ReportsADryRunAndChangesNothing", func(t *testing.T) {
		report := upload(good, "dry_run", "true", "add_villages", "true").object()
		require.EqualValues(t, 2, report["rows"])
		require.EqualValues(t, 2, report["enrolled"])
		require.Equal(t, true, report["dry_run"])
		require.Equal(t, []any{}, report["problems"])
		require.Zero(t, c.count("recipients"))
	})
	t.Run("RefusesAllForOneBadRow", func(t *testing.T) {
		bad := good + "YY-3,secret-name,no-phone,南麻街道,柿岭村,-5,2027-09-20,li\n"
		got := upload(bad, "add_villages", "true")
		got.requireProblem(http.StatusUnprocessableEntity, "body.file[4].手机号", "body.file[4].救助金额(元)", "body.file[4].发放日期")
		require.NotContains(t, got.text, "secret-name")
		require.NotContains(t, got.text, "no-phone")
		require.Zero(t, c.count("recipients"))
		upload(good).requireProblem(http.StatusUnprocessableEntity, "body.file[3].村居")
		require.Len(t, upload(bad, "dry_run", "true", "add_villages", "true").object()["problems"], 3)
	})
	t.Run("EnrolsOnceHoweverOftenItComes", func(t *testing.T) {
		report := c.post("/v1/imports?add_villages=true", good, "Content-Type", "text/csv").object()
		require.EqualValues(t, 2, report["enrolled"])
		require.NotZero(t, report["check_ins"])
		again := upload(good, "add_villages", "true").object()
		require.EqualValues(t, 0, again["enrolled"])
		require.EqualValues(t, 2, again["unchanged"])
		require.Equal(t, 2, c.count("recipients"))
	})
	t.Run("AnswersARepeatWithTheFirstReport", func(t *testing.T) {
		file := ledgerHeader + "YY-9,林某某,,南麻街道,柿岭村,8000,2026-09-20,li\n"
		first := c.post("/v1/imports", file, "Content-Type", "text/csv", "Idempotency-Key", "ledger-9")
		again := c.post("/v1/imports", file, "Content-Type", "text/csv", "Idempotency-Key", "ledger-9")
		require.EqualValues(t, 1, first.object()["enrolled"])
		require.Equal(t, first.text, again.text)
	})
	t.Run("RefusesAFormThatIsNotOurs", func(t *testing.T) {
		upload("").requireProblem(http.StatusUnprocessableEntity, "body.file")
		upload(good, "colour", "red").requireProblem(http.StatusUnprocessableEntity, "body.colour")
		upload(good, "dry_run", "perhaps").requireProblem(http.StatusUnprocessableEntity, "body.dry_run")
		upload("\xd0\xcf\x11\xe0 an old workbook").requireProblem(http.StatusUnprocessableEntity, "body.file")
		c.post("/v1/imports", object{"rows": 1}).requireProblem(http.StatusUnsupportedMediaType)
		c.post("/v1/imports", "x", "Content-Type", "multipart/form-data").requireProblem(http.StatusUnsupportedMediaType)
	})
	t.Run("RefusesACharacterNoTextHolds", func(t *testing.T) {
		upload(ledgerHeader+"YY-\x007,马某某,,南麻街道,柿岭村,8000,2026-09-20,li\n").requireProblem(http.StatusUnprocessableEntity, "body.file")
	})
	t.Run("TakesMoreThanAMegabyteAndNotEverything", func(t *testing.T) {
		c.post("/v1/imports", ledgerHeader+strings.Repeat("\n", 3<<20), "Content-Type", "text/csv").requireOK()
		c.post("/v1/imports", strings.Repeat("\n", 33<<20), "Content-Type", "text/csv").requireProblem(http.StatusRequestEntityTooLarge)
	})
	t.Run("KeepsASupervisorOut", func(t *testing.T) {
		c.send(c.boss, http.MethodPost, "/v1/imports", good, "Content-Type", "text/csv").requireProblem(http.StatusForbidden)
	})
}

func (r reply) requireOK() {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.status, r.text)
}
