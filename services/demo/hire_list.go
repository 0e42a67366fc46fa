package demo

import (
	"slices"

	"github.com/skald-saga/skald/services/events"
)

// NewHireList gives the people whom `skald up` onboards by a click. They are invented. Their names are as the world's are: of one word
// or of many, with letters beyond ASCII, from right to left, and one that is too long for a column.
func NewHireList() []events.NewUser { return slices.Clone(hireList) }

var hireList = []events.NewUser{
	hire("Jun Takamori", "jun.takamori", "support"),
	hire("Maximiliana Featherstonehaugh-Vanderslottenberg de la Fuente y Montealegre", "maximiliana.featherstonehaugh-vanderslottenberg", "people"),
	hire("Ada Lindqvist", "ada.lindqvist", "engineering"),
	hire("Bo Okafor", "bo.okafor", "support"),
	hire("Cleo Marchetti", "cleo.marchetti", "sales"),
	hire("Edda Nyström", "edda.nystrom", "design"),
	hire("Dag Haraldsen", "dag.haraldsen", "finance"),
	hire("Finn Ó Briain", "finn.obriain", "engineering"),
	hire("Greta Vantongeren", "greta.vantongeren", "sales"),
	hire("Hamza El-Idrissi", "hamza.elidrissi", "engineering"),
	hire("Ivar Solheim", "ivar.solheim", "design"),
	hire("Kaia Ben-Ami", "kaia.benami", "support"),
	hire("Léa Fontaine", "lea.fontaine", "people"),
	hire("Mateus Gonçalves", "mateus.goncalves", "engineering"),
	hire("Nguyễn Thị Minh Anh", "minhanh.nguyen", "finance"),
	hire("Oluwaseun Adeyemi", "oluwaseun.adeyemi", "sales"),
	hire("Þóra Guðmundsdóttir", "thora.gudmundsdottir", "engineering"),
	hire("Quentin Baudouin", "quentin.baudouin", "design"),
	hire("Rúna Sigurðardóttir", "runa.sigurdardottir", "support"),
	hire("Søren Kjærgaard", "soren.kjaergaard", "engineering"),
	hire("Tereza Dvořáková", "tereza.dvorakova", "people"),
	hire("Umar Farouk Bello", "umar.bello", "finance"),
	hire("Valentina Rojas Peña", "valentina.rojas", "sales"),
	hire("Łukasz Wójcik", "lukasz.wojcik", "engineering"),
	hire("Ximena Álvarez", "ximena.alvarez", "design"),
	hire("Yusuf Özdemir", "yusuf.ozdemir", "engineering"),
	hire("Zoë O’Connor", "zoe.oconnor", "support"),
	hire("Aino Mäkelä", "aino.makela", "engineering"),
	hire("Bartholomäus Grünwald", "bartholomaus.grunwald", "finance"),
	hire("Chiamaka Nwosu", "chiamaka.nwosu", "engineering"),
	hire("Đorđe Petrović", "dorde.petrovic", "sales"),
	hire("Eilidh MacGregor", "eilidh.macgregor", "people"),
	hire("Fatoumata Diallo", "fatoumata.diallo", "design"),
	hire("Gergő Szabó", "gergo.szabo", "engineering"),
	hire("Hinemoa Parata", "hinemoa.parata", "support"),
	hire("Ignacio Ibáñez", "ignacio.ibanez", "sales"),
	hire("Jelena Jovanović", "jelena.jovanovic", "engineering"),
	hire("Kwame Mensah", "kwame.mensah", "finance"),
	hire("Leilani Kahananui", "leilani.kahananui", "design"),
	hire("Мария Соколова", "maria.sokolova", "engineering"),
	hire("Nandini Krishnamurthy", "nandini.krishnamurthy", "engineering"),
	hire("Oisín Ó Floinn", "oisin.ofloinn", "sales"),
	hire("Pádraig Ua Duinnín", "padraig.uaduinnin", "support"),
	hire("Qamar al-Din Haddad", "qamar.haddad", "people"),
	hire("Rasmus Tõnisson", "rasmus.tonisson", "engineering"),
	hire("Sigríður Einarsdóttir", "sigridur.einarsdottir", "finance"),
	hire("Tāne Ngata", "tane.ngata", "sales"),
	hire("Ülle Kask", "ulle.kask", "design"),
	hire("Vân Trần", "van.tran", "engineering"),
	hire("Wanjirũ Kamau", "wanjiru.kamau", "support"),
	hire("Xiùyīng Zhào", "xiuying.zhao", "engineering"),
	hire("Yrjö Väisänen", "yrjo.vaisanen", "finance"),
	hire("Željko Šimić", "zeljko.simic", "sales"),
	hire("田中 陽菜", "hina.tanaka", "design"), //nolint:gosmopolitan // names of the world
	hire("Antônia de Albuquerque", "antonia.albuquerque", "people"),
	hire("김서연", "seoyeon.kim", "engineering"),
	hire("Benedikt Weiß", "benedikt.weiss", "support"),
	hire("محمد الفارسي", "mohammed.alfarsi", "engineering"),
	hire("Caoimhe Ní Dhomhnaill", "caoimhe.nidhomhnaill", "sales"),
	hire("दीपा शर्मा", "deepa.sharma", "finance"),
	hire("Emre Yıldırım", "emre.yildirim", "design"),
	hire("Ştefan Brâncoveanu", "stefan.brancoveanu", "engineering"),
	hire("Freyja Hólm", "freyja.holm", "support"),
	hire("Giulia D’Angelo", "giulia.dangelo", "people"),
}

func hire(name, mailbox, department string) events.NewUser {
	return events.NewUser{Name: name, Email: mailbox + "@example.com", Department: department}
}
