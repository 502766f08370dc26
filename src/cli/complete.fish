
# The words that only this machine knows: accounts, apps, posts, codes.
function __fish_tiktok_up_values
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    # Also where nothing is typed of it.
    test -n "$last"; or set last ""
    set -l program $words[1]
    set -e words[1]
    $program __complete $words $last 2>/dev/null
end
complete -c tiktok-up -n "count (__fish_tiktok_up_values) >/dev/null" -f -a "(__fish_tiktok_up_values)"
