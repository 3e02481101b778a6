# bash completion for photosearch

_photosearch() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word i
    local commands='index watch search similar on-this-day duplicates tags saved read-text status failures forget embed eval bench model help version'
    local common='--library --model --json --quiet --verbose --log-level --color --help --version'

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --library | --model | --color | --log-level) ((i++)) ;;
        -*) ;;
        *)
            command=$word
            break
            ;;
        esac
    done

    case $previous in
    --library)
        compopt -o filenames
        COMPREPLY=($(compgen -d -- "$current"))
        return
        ;;
    --model)
        compopt -o filenames
        COMPREPLY=($(compgen -d -- "$current") $(compgen -f -X '!*.safetensors' -- "$current"))
        return
        ;;
    --folder)
        compopt -o filenames
        COMPREPLY=($(compgen -d -- "$current"))
        return
        ;;
    --table | --photosearch | --queries | --image | --like | --vocabulary)
        compopt -o filenames
        COMPREPLY=($(compgen -f -- "$current"))
        return
        ;;
    --sort)
        COMPREPLY=($(compgen -W 'relevance date oldest' -- "$current"))
        return
        ;;
    --precision)
        COMPREPLY=($(compgen -W 'int8 float' -- "$current"))
        return
        ;;
    --color)
        COMPREPLY=($(compgen -W 'auto always never' -- "$current"))
        return
        ;;
    --log-level)
        COMPREPLY=($(compgen -W 'error warning info debug' -- "$current"))
        return
        ;;
    --lang)
        COMPREPLY=($(compgen -W 'en zh de pt id es fr ja ko it ru ar hi' -- "$current"))
        return
        ;;
    --isa)
        COMPREPLY=($(compgen -W 'reference avx2 avx512vnni' -- "$current"))
        return
        ;;
    -j | --threads | -k | --limit | --min-score | --min-similarity | --date | --days | --text | --languages | --max-cpu | --min-battery | --max-temperature | --after | --saved | --now | --accept-licence | --sha256 | --from | --name | --retries | --retry-wait | --timeout) return ;;
    esac

    if [[ $current == -* ]]; then
        local options=$common
        case $command in
        index | watch)
            options+=' --threads --hidden --follow-links --allow-removal --retry --no-previews --background --in-process'
            [[ $command != watch ]] || options+=' --once --read-text --max-cpu --only-when-charging --min-battery --max-temperature'
            ;;
        status) options+=' --follow' ;;
        search) options+=' --limit --min-score --literal --sort --like --unique --all --after --saved --southern --now --queries --print0 --open --lang' ;;
        similar) options+=' --limit --min-score --print0 --open' ;;
        on-this-day) options+=' --date --days --limit --print0 --open' ;;
        duplicates) options+=' --min-similarity --print0' ;;
        tags) options+=' --vocabulary --lang' ;;
        saved) options+=' --literal --lang' ;;
        read-text) options+=' --limit --all --languages --background' ;;
        failures) options+=' --print0' ;;
        embed) options+=' --text --image --texts --images --lang --precision --isa' ;;
        eval) options+=' --threads --lang --precision --isa' ;;
        bench) options+=' --threads --image --lang --precision --isa' ;;
        model)
            if [[ " ${COMP_WORDS[*]} " == *' pull '* ]]; then
                options+=' --list --dry-run --show-licence --accept-licence --sha256 --unverified --from --insecure-http --table --name'
                options+=' --replace --no-import --keep --folder --retries --retry-wait --timeout --photosearch'
            else
                options+=' --precision --isa --threads --later --keep-old --force --name --config --preprocess --tokenizer --licence --photos --report --to --replace'
            fi
            ;;
        esac
        COMPREPLY=($(compgen -W "$options" -- "$current"))
        return
    fi

    case $command in
    '') COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
    index | watch | similar | forget | eval)
        compopt -o filenames
        COMPREPLY=($(compgen -f -- "$current"))
        ;;
    help) COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
    tags)
        if [[ $previous == tags ]]; then
            COMPREPLY=($(compgen -W 'update list show' -- "$current"))
        elif [[ $previous == show ]]; then
            compopt -o filenames
            COMPREPLY=($(compgen -f -- "$current"))
        fi
        ;;
    saved) [[ $previous != saved ]] || COMPREPLY=($(compgen -W 'add list remove' -- "$current")) ;;
    model)
        if [[ $previous == model ]]; then
            COMPREPLY=($(compgen -W 'list use import pull info verify remove' -- "$current"))
        elif [[ " ${COMP_WORDS[*]} " == *' pull '* ]]; then
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" model pull --list 2>/dev/null | sed -n 's/^\([^ ][^ ]*\).*/\1/p')" -- "$current"))
        else
            compopt -o filenames
            COMPREPLY=($(compgen -f -- "$current"))
        fi
        ;;
    esac
}
complete -F _photosearch photosearch
