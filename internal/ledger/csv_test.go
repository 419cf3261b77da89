package ledger

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

func TestReadCSV(t *testing.T) {
	t.Parallel()
	const plain = "姓名,乡镇\n逯某某,悦庄镇\n"
	want := &Table{
		Header: []string{"姓名", "乡镇"},
		Rows:   []Row{{Number: 2, Cells: map[string]string{"姓名": "逯某某", "乡镇": "悦庄镇"}}},
	}

	t.Run("ReadsEveryEncoding", func(t *testing.T) {
		t.Parallel()
		gb, err := simplifiedchinese.GB18030.NewEncoder().String(plain)
		require.NoError(t, err)
		wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(plain)
		require.NoError(t, err)
		for _, data := range []string{plain, "\ufeff" + plain, gb, wide} {
			require.Equal(t, want, read(t, []byte(data), "a.csv"))
		}
	})

	t.Run("ReadsRareNamesInGB18030", func(t *testing.T) {
		t.Parallel()
		gb, err := simplifiedchinese.GB18030.NewEncoder().String("姓名\n𬱖某\n")
		require.NoError(t, err)
		require.Equal(t, "𬱖某", read(t, []byte(gb), "a.csv").Rows[0].Cells["姓名"])
	})

	t.Run("ReadsEverySeparatorAndLineEnd", func(t *testing.T) {
		t.Parallel()
		for _, separator := range []string{",", ";", "\t"} {
			for _, end := range []string{"\n", "\r\n", "\r"} {
				data := strings.NewReplacer(",", separator, "\n", end).Replace(plain)
				require.Equal(t, want, read(t, []byte(data), "a.csv"))
			}
		}
	})

	t.Run("GoesByContentAndNotByExtension", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, want, read(t, []byte(plain), "a.xlsx"))
	})

	t.Run("CountsRowsAsTheSheetShowsThem", func(t *testing.T) {
		t.Parallel()
		table := read(t, []byte("姓名,\"备,\n注\"\n甲,\"一\n\n二\"\n\n\r\n,\n乙,\" 说\"\"好\"\" \"\n"), "a.csv")
		require.Equal(t, []string{"姓名", "备,\n注"}, table.Header)
		require.Equal(t, []Row{
			{Number: 2, Cells: map[string]string{"姓名": "甲", "备,\n注": "一\n\n二"}},
			{Number: 6, Cells: map[string]string{"姓名": "乙", "备,\n注": `说"好"`}},
		}, table.Rows)
	})

	t.Run("NamesTheRowWithABrokenQuote", func(t *testing.T) {
		t.Parallel()
		refuse(t, []byte("姓名\n甲\n\n乙\"x\n"), Problem{Row: 4, Reason: "引号"})
		refuse(t, []byte("姓名\n甲\n\"乙\n丙\n"), Problem{Row: 3, Reason: "引号"})
	})

	t.Run("RefusesANumberThatWasShortened", func(t *testing.T) {
		t.Parallel()
		refuse(t, []byte("姓名,身份证号\n甲,9.90323E+17\n"), Problem{Row: 2, Column: "身份证号", Reason: "已丢失"})
		table := read(t, []byte("身份证号\n\t990323198203261234\n"), "a.csv")
		require.Equal(t, "990323198203261234", table.Rows[0].Cells["身份证号"])
	})

	t.Run("RefusesAnUnknownEncoding", func(t *testing.T) {
		t.Parallel()
		_, err := Read(strings.NewReader("name\ncaf\xe9\n\xff\xff\n"), "a.csv")
		require.ErrorContains(t, err, "不是表格文件（.csv）")
	})
}
