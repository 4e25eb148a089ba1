from __future__ import annotations

from ferrotape_plugins.rust.hidden import test_paths as paths_of


def test_the_paths_of_tests_are_read_in_order():
    source = """
    #[cfg(test)]
    mod hidden_tests {
        fn helper() {}

        #[test]
        fn first() {}

        /// Documented.
        #[test]
        // remark
        #[should_panic(expected = "x")]
        fn second() {}

        mod deeper {
            #[ test ]
            fn third() {}
        }
    }
    """
    assert paths_of(source) == (
        "hidden_tests::first",
        "hidden_tests::second",
        "hidden_tests::deeper::third",
    )


def test_ignored_tests_are_left_out():
    source = 'mod hidden_tests { #[test] #[ignore = "slow"] fn slow() {} #[test] fn quick() {} }'
    assert paths_of(source) == ("hidden_tests::quick",)


def test_names_in_comments_and_strings_are_no_tests():
    source = 'mod hidden_tests { // #[test] fn a() {}\n const S: &str = "#[test] fn b() {}"; }'
    assert paths_of(source) == ()


def test_an_empty_file_has_no_tests():
    assert paths_of("") == ()
