package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"aftercare/carelog"
)

func TestExports(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	boss := c.signIn("zhao")

	t.Run("EveryListLeavesAsASheetWithAChineseHeader", func(t *testing.T) {
		for _, list := range []string{"plans", "check-ins", "tasks", "alerts", "referrals", "cases", "clues", "contacts", "partners", "messages"} {
			status, body := boss.get("/exports/" + list)
			require.Equal(t, http.StatusOK, status, list)
			f, err := excelize.OpenReader(strings.NewReader(body))
			require.NoError(t, err, list)
			rows, err := f.GetRows("Sheet1")
			require.NoError(t, err)
			require.Regexp(t, `\p{Han}`, rows[0][0], list)
			if list == "check-ins" {
				require.Equal(t, "马某某", rows[1][0], "masked")
				require.Regexp(t, `^20\d\d-\d\d-\d\d$`, rows[1][6])
			}
			require.NoError(t, f.Close())
			entries, err := c.work.Audit(t.Context(), carelog.TheSystem(), carelog.AuditFilter{Act: "list_exported", Limit: 1})
			require.NoError(t, err)
			require.Contains(t, entries[0].Detail, list+" ")
		}
		status, _ := boss.get("/exports/secrets")
		require.Equal(t, http.StatusNotFound, status)
	})
	t.Run("TheWholeLedgerNeedsAPurposeAndAReason", func(t *testing.T) {
		status, _ := boss.post("/exports/ledger", url.Values{"purpose": {""}, "reason": {""}})
		require.Equal(t, http.StatusUnprocessableEntity, status)
		status, _ = boss.post("/exports/ledger", url.Values{"purpose": {"other"}, "reason": {"归档"}})
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, boss.header.Get("Content-Disposition"), "aftercare-ledger.xlsx")
		require.Equal(t, "no-store", boss.header.Get("Cache-Control"))
	})
}

func TestStatisticsPage(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	boss := c.signIn("zhao")
	body := boss.page("/statistics")
	for _, words := range []string{"依职权救助", "1 件 / 1 件", "1 户", "按乡镇", "上年同期"} {
		require.Contains(t, body, words)
	}
	status, _ := boss.get("/statistics?from=2026-12-01&until=2026-01-01")
	require.Equal(t, http.StatusUnprocessableEntity, status)
}
